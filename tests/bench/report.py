"""Medians, ratios, the tables, and the raw numbers as JSON."""

import dataclasses
import json
import os
import statistics

import wire


def cost_us(row, sample, what):
    units = row.cost(sample)
    return getattr(sample, what) * 1e6 / units if units else float("nan")


@dataclasses.dataclass
class Figures:
    """What one server reached in one row: medians over its rounds."""
    measure: float
    core_us: float   # of the server's core per unit of cost
    both_us: float   # of both
    p50_us: float
    p99_us: float
    errors: int
    rounds: int


def figures(row, samples):
    good = [sample for sample in samples if sample.requests and sample.seconds]

    def median(what):
        return statistics.median(map(what, good)) if good else float("nan")

    return Figures(
        measure=median(row.measure),
        core_us=median(lambda sample: cost_us(row, sample, "core_s")),
        both_us=median(lambda sample: cost_us(row, sample, "both_s")),
        p50_us=median(lambda sample: sample.p50_us),
        p99_us=median(lambda sample: sample.p99_us),
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


def lay_out(lines, left):
    """Columns, those in left flush left."""
    widths = [max(map(len, column)) for column in zip(*lines)]
    return ["  ".join(cell.ljust(width) if i in left else cell.rjust(width)
                      for i, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines]


PEER = "nginx"


def peer_of(names):
    """The one that the others are compared with: nginx, or the last."""
    return PEER if PEER in names else names[-1]


def table(row, samples):
    """A line a server, with the ratio of each figure to the peer's."""
    all_figures = {name: figures(row, taken) for name, taken in samples.items()}
    peer = all_figures[peer_of(list(samples))]
    lines = [[row.title, row.unit, "ratio", f"core us/{row.cost_unit}", "ratio", "both cores", "ratio", "p50 us", "p99 us"]]
    for name, one in all_figures.items():
        cells = [f"  {name}"]
        for what in ("measure", "core_us", "both_us"):
            cells += [number(getattr(one, what)), ratio(getattr(one, what), getattr(peer, what))]
        lines.append([*cells, *(number(value) if value else "-" for value in (one.p50_us, one.p99_us))])
    return lay_out(lines, left={0})


def tables(results):
    """results: a list of (work.Row, {server name: [work.Sample]})."""
    lines = []
    for row, samples in results:
        lines += table(row, samples) + [""]
    return lines


def paired_ratio(ours, theirs):
    """Of rates in rounds with the same losses: the median of the rounds' ratios."""
    return f"{statistics.median(a / b for a, b in zip(ours, theirs)):.2f}" if all(theirs) else "-"


def goodputs(results):
    """results: a list of (wire.Row, {column: [wire.Sample]}), ours first."""
    path, columns = results[0][0].path, results[0][0].columns
    lines = [[f"goodput over {path}", "Mbit/s", *columns, *("ratio" for _ in columns[1:])]]
    for row, samples in results:
        rates = [[sample.mbit[0] for sample in samples[column]] for column in columns]
        lines.append([row.title, "", *map(number, map(statistics.median, rates)),
                      *(paired_ratio(rates[0], peer) for peer in rates[1:])])
    return lay_out(lines, left={0, 1})


def shares(row, samples):
    """The index of the median round and of the worst one, and what the flows got."""
    lines = [[f"{row.title} at {row.path}", "Jain's index", "worst", "Mbit/s of each"]]
    for column, taken in samples.items():
        indices = [wire.jain(sample.mbit) for sample in taken]
        rates = [statistics.median(flow) for flow in zip(*(sample.mbit for sample in taken))]
        lines.append([column, f"{statistics.median(indices):.3f}", f"{min(indices):.3f}",
                      " and ".join(map(number, rates))])
    return lay_out(lines, left={0})


def wire_tables(results):
    lines = []
    goodput = [(row, samples) for row, samples in results if row is not wire.SHARING]
    if goodput:
        lines += goodputs(goodput) + [""]
    for row, samples in results:
        if row is wire.SHARING:
            lines += shares(row, samples) + [""]
        failed = sum(way["failed"] for taken in samples.values() for sample in taken
                     for way in sample.counters.values())
        if failed:
            lines.append(f"VOID: {row.title}: the bridge was too slow for {failed} frames")
    return lines


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
        lines.append(f"not alone: other work took {other / spent * 50:.0f} % of the two cores; "
                     "rely on the ratios only")
    return lines


def write_json(path, facts, results, wire_results, idle):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    rows = []
    for row, samples in results:
        rows.append({
            "key": row.key, "title": row.title, "unit": row.unit, "cost_unit": row.cost_unit,
            "less_is_better": row.less_is_better,
            "servers": {name: {"median": dataclasses.asdict(figures(row, taken)),
                               "rounds": [dataclasses.asdict(sample) for sample in taken]}
                        for name, taken in samples.items()}})
    wire_rows = [{"key": row.key, "title": row.title, "path": dataclasses.asdict(row.path),
                  "rounds": {column: [dataclasses.asdict(sample) for sample in taken]
                             for column, taken in samples.items()}}
                 for row, samples in wire_results]
    with open(path, "w") as file:
        json.dump({**facts, "idle_core_share": idle, "rows": rows, "wire_rows": wire_rows}, file, indent=1)
        file.write("\n")
