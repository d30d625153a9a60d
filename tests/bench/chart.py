"""The picture of a run: for each row two groups of bars, what each server reached and what it took of its core, both as
ratios to nginx's.
"""

import report

WIDTH, LABEL, BAR, GAP = 960, 150, 12, 4
PLOT = (WIDTH - 2 * LABEL - 90) / 2  # of one group
STYLE = """text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif;fill:#a5b6ad}
.title{font-weight:700;font-size:14px;fill:#fff}.e{text-anchor:end}.ours{fill:#7fd6b0}.bare{fill:#557a6b}.peer{fill:#f0b24a}
.one{stroke:#a5b6ad;stroke-dasharray:2 4}.value{paint-order:stroke;stroke:#12261f;stroke-width:4px}"""


def kind(name):
    return next((one for one in ("taphouse", "bare") if name.startswith(one)), "peer").replace("taphouse", "ours")


class Group:
    """Bars of one figure, from x on."""

    def __init__(self, x, values):
        self.x, self.values = x, values
        self.most = max([1.0, *(value for value in values.values() if value == value)])

    def at(self, value):
        return self.x + PLOT * value / self.most

    def draw(self, name, y):
        value = self.values[name]
        if value != value:
            return []
        return [f'<rect class="{kind(name)}" x="{self.x:.1f}" y="{y}" width="{PLOT * value / self.most:.1f}" height="{BAR}"/>',
                f'<text class="value" x="{self.at(value) + 4:.1f}" y="{y + BAR - 2}">{value:.2f}</text>']


def row_parts(row, samples, top):
    """The SVG of one row, and its height."""
    figures = {name: report.figures(row, taken) for name, taken in samples.items()}
    peer = figures[report.peer_of(list(samples))]
    reached = Group(LABEL, {name: one.measure / peer.measure for name, one in figures.items()})
    cost = Group(2 * LABEL + PLOT - 50, {name: one.core_us / peer.core_us for name, one in figures.items()})
    what = f"{row.unit}{', less is better' if row.less_is_better else ''}"
    parts = [f'<text class="title" x="16" y="{top + 14}">{row.title}</text>',
             f'<text x="{reached.x}" y="{top + 30}">{what}</text>',
             f'<text x="{cost.x}" y="{top + 30}">time of its core, less is better</text>']
    y, end = top + 38, top + 38 + len(samples) * (BAR + GAP)
    for group in (reached, cost):
        parts.append(f'<path class="one" d="M{group.at(1):.1f} {top + 36}V{end}"/>')
    for name in samples:
        parts += [f'<text class="e" x="{LABEL - 8}" y="{y + BAR - 2}">{name}</text>',
                  *reached.draw(name, y), *cost.draw(name, y)]
        y += BAR + GAP
    return parts, end - top + 20


def write(path, results):
    parts, top = [], 56
    for row, samples in results:
        more, height = row_parts(row, samples, top)
        parts += more
        top += height
    with open(path, "w") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" role="img" '
                   f'aria-label="taphouse beside other servers: ratios to nginx">\n<style>{STYLE}</style>\n'
                   f'<rect width="{WIDTH}" height="{top}" fill="#12261f"/>\n'
                   f'<text class="title" x="16" y="28">Beside nginx on the kernel\'s TCP (1.00): medians of one run</text>\n'
                   + "\n".join(parts) + "\n</svg>\n")
