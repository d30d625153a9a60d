"""Medians, ratios, the table, and the raw numbers as JSON."""

import dataclasses
import json
import os
import statistics


def cost_us(row, sample):
    units = row.cost(sample)
    return sample.core_s * 1e6 / units if units else float("nan")


@dataclasses.dataclass
class Figures:
    """What one server reached in one row: medians over its rounds."""
    measure: float
    cost: float
    p50_us: float
    p99_us: float
    errors: int
    rounds: int


def figures(row, samples):
    good = [sample for sample in samples if sample.requests and sample.seconds]
    if not good:
        nan = float("nan")
        return Figures(nan, nan, nan, nan, sum(sample.errors for sample in samples), len(samples))
    return Figures(
        measure=statistics.median(map(row.measure, good)),
        cost=statistics.median(cost_us(row, sample) for sample in good),
        p50_us=statistics.median(sample.p50_us for sample in good),
        p99_us=statistics.median(sample.p99_us for sample in good),
        errors=sum(sample.errors for sample in samples),
        rounds=len(samples))


def number(value):
    if value != value:
        return "-"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio(ours, theirs):
    return f"{ours / theirs:.2f}" if theirs else "-"


def table(results):
    """Lines of text. results: a list of (row, {server name: [Sample]}), ours first."""
    names = list(results[0][1])
    head = ["", "", *names, "ratio", "core us per", *names, "ratio", "p99 us", *names]
    body = []
    for row, samples in results:
        all_figures = [figures(row, samples[name]) for name in names]
        ours, peer = all_figures[0], all_figures[1]
        body.append([row.title, row.unit, *(number(f.measure) for f in all_figures), ratio(ours.measure, peer.measure),
                     row.cost_unit, *(number(f.cost) for f in all_figures), ratio(ours.cost, peer.cost),
                     "", *(number(f.p99_us) if f.p99_us else "-" for f in all_figures)])
    widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    left = {0, 1, 2 + len(names) + 1}
    return ["  ".join(cell.ljust(width) if i in left else cell.rjust(width)
                      for i, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in [head, *body]]


def remarks(results, idle):
    """Lines about what makes the figures better or worse than they look."""
    lines = [f"idle: {name} takes {share * 100:.1f} % of a core" for name, share in idle.items()]
    for row, samples in results:
        for name, taken in samples.items():
            errors = sum(sample.errors for sample in taken)
            if errors:
                lines.append(f"ERRORS: {row.title}: {errors} with {name}")
    everything = [sample for _, samples in results for taken in samples.values() for sample in taken]
    spent = sum(sample.seconds for sample in everything)
    other = sum(sample.other_s for sample in everything)
    if spent and other / spent > 0.1:
        lines.append(f"not alone: other work took {other / spent * 50:.0f} % of the two cores; rely on the ratios only")
    return lines


def write_json(path, facts, results, idle):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    rows = []
    for row, samples in results:
        rows.append({
            "key": row.key, "title": row.title, "unit": row.unit, "cost_unit": row.cost_unit,
            "less_is_better": row.less_is_better,
            "servers": {name: {"median": dataclasses.asdict(figures(row, taken)),
                               "rounds": [dataclasses.asdict(sample) for sample in taken]}
                        for name, taken in samples.items()}})
    with open(path, "w") as file:
        json.dump({**facts, "idle_core_share": idle, "rows": rows}, file, indent=1)
        file.write("\n")
