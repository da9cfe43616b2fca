# SPDX-License-Identifier: GPL-2.0-or-later
"""Taking turns, and what comes of it.

The same run differs from minute to minute by more than the variants differ from each other. So the
variants run one after the other, many times over, and what is compared is the ratio within a round.
"""

import dataclasses
import math
import statistics


def finite(values):
    return [value for value in values if math.isfinite(value)]


@dataclasses.dataclass
class Row:
    """One variant: a value for each round, NaN where a round gave no result (packets were lost)."""
    name: str
    values: list

    @property
    def median(self):
        """NaN if fewer than half of the rounds gave a result."""
        good = finite(self.values)
        return statistics.median(good) if good and 2 * len(good) >= len(self.values) else math.nan

    @property
    def low(self):
        return min(finite(self.values), default=math.nan)

    @property
    def high(self):
        return max(finite(self.values), default=math.nan)

    def ratio(self, other):
        """The median of the rounds' own ratios, which a slow minute leaves as they are."""
        return Row("", [mine / its if its else math.nan
                        for mine, its in zip(self.values, other.values)]).median


@dataclasses.dataclass(frozen=True)
class Target:
    """What the ratio to a row has to reach."""
    against: str
    ratio: float


@dataclasses.dataclass
class Table:
    """Variants measured in turn.

    `subject` names Sallyport's row, which is compared with each of the others; without one there is
    no comparison and no result. `limit` names the row of what cannot be passed. `more` goes into the
    results as it is: family, bytes, direction and the like, which tell tables of one scenario apart.
    Values are divided by `scale` where they are shown; `ns` shows the time for each as well.
    """
    title: str
    unit: str
    rows: list
    scale: float = 1
    digits: int = 2
    ns: bool = False
    scenario: str = ""
    clients: int = 1
    subject: str = ""
    targets: tuple = ()
    limit: str = ""
    lower_is_better: bool = False
    more: dict = dataclasses.field(default_factory=dict)

    def row(self, name):
        """Raises ValueError if there is none: a name was misspelt."""
        for row in self.rows:
            if row.name == name:
                return row
        raise ValueError(f"table '{self.title}' has no row '{name}'")

    def others(self):
        """The rows that Sallyport is compared with."""
        return [row for row in self.rows if row.name != self.subject] if self.subject else []

    def ratio(self, other):
        """Above 1 is better for Sallyport, also where less is better."""
        subject = self.row(self.subject)
        return other.ratio(subject) if self.lower_is_better else subject.ratio(other)

    def target(self, other):
        """What the ratio to that row has to reach, or None."""
        for target in self.targets:
            if target.against == other.name:
                return target.ratio
        return None

    def role(self, row):
        """What Sallyport is compared with there."""
        if row.name == self.limit:
            return "limit"
        return "variant" if row.name.startswith("Sallyport") else "peer"

    def check(self):
        """Raises ValueError for a name that no row has."""
        for name in filter(None, (self.subject, self.limit, *(one.against for one in self.targets))):
            self.row(name)

    def text(self):
        width = max(34, *(len(row.name) for row in self.rows))
        head = f"  {'':{width}}{self.unit:>12}{'low':>10}{'high':>10}"
        head += f"{'ns':>8}" if self.ns else ""
        lines = [self.title, head + (f"{'ratio':>8}{'target':>8}" if self.subject else "")]
        lines += [f"  {row.name:{width}}{self.line(row)}".rstrip() for row in self.rows]
        return "\n".join(lines) + "\n"

    def line(self, row):
        """A row's figures."""
        if math.isnan(row.median):
            return f"{'no result':>12}"
        text = "".join(f"{value / self.scale:>{width}.{self.digits}f}" for value, width in (
            (row.median, 12), (row.low, 10), (row.high, 10)))
        if self.ns:
            text += f"{1e9 / row.median:>8.0f}"
        if not self.subject or row.name == self.subject:
            return text
        ratio, target = self.ratio(row), self.target(row)
        text += f"{ratio:>8.2f}"
        if target is not None:
            text += f"{target:>8.2f}  {'met' if ratio >= target else 'missed'}"
        return text

    def number(self, value):
        """For JSON, which knows no NaN."""
        return value / self.scale if math.isfinite(value) else None

    def results(self):
        """An object for each comparison."""
        subject = self.row(self.subject) if self.subject else None
        return [self.result(subject, row) for row in self.others()]

    def result(self, subject, row):
        ratio, target = self.ratio(row), self.target(row)
        return {"scenario": self.scenario, "clients": self.clients, "unit": self.unit,
                "sallyport": self.number(subject.median),
                "sallyport_low": self.number(subject.low), "sallyport_high": self.number(subject.high),
                "against": row.name, "role": self.role(row),
                "value": self.number(row.median),
                "low": self.number(row.low), "high": self.number(row.high),
                "ratio": ratio if math.isfinite(ratio) else None, "target": target,
                "met": None if target is None else ratio >= target, **self.more}

    def json(self):
        return {"title": self.title, "scenario": self.scenario, "unit": self.unit, "rows": [
            {"name": row.name, "median": self.number(row.median),
             "rounds": [self.number(value) for value in row.values]} for row in self.rows]}


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
