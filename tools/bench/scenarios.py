# SPDX-License-Identifier: GPL-2.0-or-later
"""Which scenarios there are, and running them.

Each is in a file part_NAME.py, with `run(size)` that yields its tables. A file with several scenarios
that share their hosts lists them in SCENARIOS; `size.scenarios` says which are wanted.
"""

import contextlib
import dataclasses
import glob
import importlib
import os
import sys
import time

import machine
from hosts import HERE, Failed

# In which order they run; what is not named here comes last.
ORDER = ("stack", "route", "attach", "drop", "refuse", "flood", "responder", "login", "million", "cost")


CLIENTS = (1, 1000, 100000, 1000000)


@dataclasses.dataclass(frozen=True)
class Size:
    """How much to measure. `short`: only what a guard against getting slower needs."""
    rounds: int = 7
    milliseconds: int = 100
    clients: tuple = CLIENTS
    scenarios: frozenset = frozenset()
    short: bool = False



def place(name):
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


def there_are():
    """By the names of the scenarios the module, and what the scenario is about."""
    found = {}
    for path in glob.glob(os.path.join(HERE, "part_*.py")):
        name = os.path.basename(path)[len("part_"):-len(".py")]
        module = importlib.import_module(f"part_{name}")
        about = module.__doc__.partition(": ")[2].partition("\n\n")[0]
        for scenario, text in getattr(module, "SCENARIOS", {name: about}).items():
            found[scenario] = (module, text)
    return dict(sorted(found.items(), key=lambda item: place(item[0])))


class Run:
    """Measures, and gathers what there is to tell of it. `show` is called with each table."""

    def __init__(self, show):
        self.show = show
        self.start = time.monotonic()
        self.result = {"machine": machine.facts(), "results": [], "tables": [], "failed": [],
                       "not_measured": [], "seconds_of": {}}

    def say(self, text):
        """Progress, for who waits."""
        print(f"bench: {self.seconds():5.0f} s  {text}", file=sys.stderr, flush=True)

    def seconds(self):
        return round(time.monotonic() - self.start, 1)

    def measure(self, there, wanted, size):
        """The scenarios `wanted`, those of one file together."""
        self.result["rounds"] = size.rounds
        for module in dict.fromkeys(there[name][0] for name in wanted):
            own = frozenset(name for name in wanted if there[name][0] is module)
            self.part(module, dataclasses.replace(size, scenarios=own))
        self.result["seconds"] = self.seconds()

    def part(self, module, size):
        names, began = "+".join(sorted(size.scenarios, key=place)), self.seconds()
        self.say(f"{names}: begins")
        self.result["not_measured"] += [
            {"scenario": names, "against": peer, "reason": reason}
            for peer, reason in getattr(module, "NOT_MEASURED", {}).items()]
        try:
            with contextlib.closing(module.run(size)) as tables:
                for table in tables:
                    table.check()
                    self.result["tables"].append(table.json())
                    self.result["results"] += [{**one, "part": names, "title": table.title}
                                               for one in table.results()]
                    self.show(table)
                    self.say(table.title)
        except Failed as reason:
            self.say(f"{names} failed: {reason}")
            self.result["failed"].append({"scenario": names, "reason": str(reason)})
        taken = self.result["seconds_of"][names] = round(self.seconds() - began, 1)
        self.say(f"{names}: took {taken} s")
