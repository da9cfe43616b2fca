# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether Sallyport has become slower, as compared with what it was compared with before.

Only ratios within a run say anything: figures differ from machine to machine and from hour to hour.
"""

import json
import os

from hosts import HERE, Failed

BASELINE = os.path.join(HERE, "baseline.json")
# How much of a ratio may be missing.
TOLERANCE = 0.15


# What tells comparisons of one scenario apart.
MEMBERS = ("clients", "direction", "family", "bytes", "kind", "measure", "workers", "concurrent")


def key(result):
    """Which comparison it is, among all of a run."""
    said = [f"{name} {result[name]}" for name in MEMBERS if name in result]
    return ", ".join([result["scenario"], *said, f"against {result['against']}"])


def ratios(results):
    """By comparison, with all that is not Sallyport itself."""
    return {key(one): one["ratio"] for one in results if one["role"] != "variant"}


def fallen(recorded, measured):
    """A sentence for each comparison of `recorded` that is worse by more than the tolerance, or has
    no result any more, by its key."""
    sentences = {}
    for name, before in recorded.items():
        now = measured.get(name)
        if now is None:
            sentences[name] = f"{name}: no result; it was {before:.2f}"
        elif now < before * (1 - TOLERANCE):
            sentences[name] = (f"{name}: ratio {now:.2f} is {100 * (1 - now / before):.0f} % below the recorded "
                               f"{before:.2f}")
    return sentences


def whose(names, results, every):
    """Which scenarios of `every` have these comparisons; all of them for one that has no result."""
    of = {key(one): one["part"] for one in results}
    if not all(name in of for name in names):
        return every
    wanted = {part for name in names for part in of[name].split("+")}
    return [one for one in every if one in wanted]


def read(path=BASELINE):
    """The recorded ratios."""
    try:
        with open(path, encoding="utf-8") as text:
            recorded = json.load(text)["ratios"]
        if not all(isinstance(ratio, (int, float)) for ratio in recorded.values()):
            raise ValueError("expected a number for each comparison")
    except (OSError, ValueError, KeyError, AttributeError) as reason:
        raise Failed(f"{path}: cannot be used: {reason}; record it with: make bench-baseline") from reason
    return recorded


def write(result, path=BASELINE):
    """Records the ratios of a run, the lowest of what was measured more than once. What has none now
    would be missed for ever."""
    found = {}
    for one in result["results"]:
        for name, ratio in ratios([one]).items():
            if ratio is not None:
                found[name] = min(ratio, found.get(name, ratio))
    with open(path, "w", encoding="utf-8") as out:
        json.dump({"cpu": result["machine"]["cpu"], "kernel": result["machine"]["kernel"],
                   "ratios": {name: round(ratio, 3) for name, ratio in found.items()}}, out, indent=1)
        out.write("\n")
