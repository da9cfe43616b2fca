# SPDX-License-Identifier: GPL-2.0-or-later
"""Taking turns, and what comes of it.

The same run differs from minute to minute by more than the variants differ from each other. So the
variants run one after the other, many times over, and what is compared is the ratio within a round.
"""

import dataclasses
import statistics


@dataclasses.dataclass
class Row:
    """One variant: a value for each round."""
    name: str
    values: list

    @property
    def median(self):
        return statistics.median(self.values)

    def ratio(self, base):
        """The median of the rounds' own ratios, which a slow minute leaves as they are."""
        return statistics.median(own / other for own, other in zip(self.values, base.values))


@dataclasses.dataclass
class Table:
    """Variants measured in turn; the first is what the others are compared with."""
    title: str
    unit: str
    rows: list
    scale: float = 1
    digits: int = 2
    ns: bool = False

    def text(self):
        width = max(28, *(len(row.name) for row in self.rows))
        head = f"  {'':{width}}{self.unit:>12}{'low':>10}{'high':>10}"
        lines = [self.title, head + (f"{'ns':>8}" if self.ns else "") + f"{'ratio':>8}"]
        for row in self.rows:
            numbers = [f"{value / self.scale:.{self.digits}f}"
                       for value in (row.median, min(row.values), max(row.values))]
            line = f"  {row.name:{width}}{numbers[0]:>12}{numbers[1]:>10}{numbers[2]:>10}"
            if self.ns:
                line += f"{1e9 / row.median:>8.0f}"
            lines.append(line + f"{row.ratio(self.rows[0]):>8.2f}")
        return "\n".join(lines) + "\n"

    def json(self):
        base = self.rows[0]
        return {"title": self.title, "unit": self.unit, "rows": [
            {"name": row.name, "median": row.median / self.scale, "ratio": row.ratio(base),
             "rounds": [value / self.scale for value in row.values]} for row in self.rows]}


def in_turn(rounds, variants):
    """Rows for `variants`, a dictionary of functions that measure once. The first round is not
    kept: it warms the caches and learns the neighbours."""
    rows = {name: [] for name in variants}
    for number in range(rounds + 1):
        for name, measure in variants.items():
            value = measure()
            if number:
                rows[name].append(value)
    return [Row(name, values) for name, values in rows.items()]
