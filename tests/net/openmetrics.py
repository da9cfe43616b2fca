# SPDX-License-Identifier: GPL-2.0-or-later
"""OpenMetrics 1.0 as the specification has it (its ABNF and its sections on exposition), read
strictly: whatever is not in order is an AssertionError that says so."""

import math
import re
from dataclasses import dataclass, field

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r"[a-zA-Z_][a-zA-Z0-9_]*"
VALUE = r'"(?:[^"\\\n]|\\["\\n])*"'
NUMBER = r"(?:[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?|[+-]?Inf|NaN)"
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL}={VALUE}(?:,{LABEL}={VALUE})*)?)\}})? ({NUMBER})")
PAIR = re.compile(rf"({LABEL})=({VALUE})")
SUFFIXES = {
    "counter": {"_total"}, "gauge": {""}, "info": {"_info"},
    "histogram": {"_bucket", "_count", "_sum"},
}


@dataclass
class Family:
    name: str
    kind: str = ""
    unit: str = ""
    help: str = ""
    samples: dict = field(default_factory=dict)  # (suffix, labels as a frozenset of pairs): value

    def value(self, suffix="", **labels):
        return self.samples[suffix or next(iter(SUFFIXES[self.kind])), frozenset(labels.items())]

    def sum(self, **labels):
        """Of all samples that have these labels."""
        return sum(value for (_, have), value in self.samples.items() if labels.items() <= dict(have).items())


def unescape(text):
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), text)


def read_comment(line, families):
    found = re.fullmatch(rf"# (TYPE|UNIT|HELP) ({NAME})(?: (.*))?", line)
    assert found, f"no comment of OpenMetrics: {line}"
    what, name, rest = found.groups()
    if not families or families[-1].name != name:
        assert what == "TYPE", f"metadata of another family: {line}"
        assert all(family.name != name for family in families), f"a family comes twice: {line}"
        families.append(Family(name))
    family = families[-1]
    assert not family.samples, f"metadata behind samples: {line}"
    place = {"TYPE": "kind", "UNIT": "unit", "HELP": "help"}[what]
    assert not getattr(family, place) and rest, f"repeated or empty: {line}"
    if what == "TYPE":
        assert rest in SUFFIXES, f"type: {line}"
    if what == "UNIT":
        assert name.endswith("_" + rest), f"the name does not end with the unit: {line}"
    setattr(family, place, rest)


def read_sample(line, families):
    found = SAMPLE.fullmatch(line)
    assert found, f"no sample: {line}"
    name, labels, number = found.groups()
    assert families and name.startswith(families[-1].name), f"a sample of no family: {line}"
    family = families[-1]
    suffix = name.removeprefix(family.name)
    assert suffix in SUFFIXES[family.kind], f"a name that a {family.kind} has not: {line}"
    pairs = [(label, unescape(value[1:-1])) for label, value in PAIR.findall(labels or "")]
    assert len(dict(pairs)) == len(pairs), f"a label twice: {line}"
    key = (suffix, frozenset(pairs))
    assert key not in family.samples, f"a sample twice: {line}"
    value = float(number)
    assert not math.isnan(value), line
    assert value >= 0 or family.kind == "gauge", f"negative: {line}"
    assert value == 1 or family.kind != "info", f"an info is 1: {line}"
    family.samples[key] = int(number) if number.isdigit() else value


def check_histogram(family):
    """Buckets of each set of labels: bounds go up, counts do not go down, the last is the count."""
    series = {}
    for (suffix, labels), value in family.samples.items():
        rest = frozenset(pair for pair in labels if pair[0] != "le")
        one = series.setdefault(rest, {"buckets": []})
        if suffix == "_bucket":
            one["buckets"].append((float(dict(labels)["le"].replace("+Inf", "inf")), value))
        else:
            one[suffix] = value
    for labels, one in series.items():
        bounds = [bound for bound, _ in one["buckets"]]
        counts = [count for _, count in one["buckets"]]
        assert bounds == sorted(set(bounds)) and bounds[-1] == math.inf, (family.name, labels)
        assert counts == sorted(counts) and counts[-1] == one["_count"], (family.name, labels)
        assert "_sum" in one and (one["_sum"] == 0 or one["_count"] > 0), (family.name, labels)


def read(text):
    """The families by name."""
    assert text.endswith("\n# EOF\n"), "no end"
    families = []
    for line in text.removesuffix("# EOF\n").splitlines():
        if line.startswith("#"):
            read_comment(line, families)
        else:
            read_sample(line, families)
    for family in families:
        assert family.kind and family.help, f"{family.name}: no type or help"
        if family.kind == "histogram":
            check_histogram(family)
    return {family.name: family for family in families}
