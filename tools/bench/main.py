# SPDX-License-Identifier: GPL-2.0-or-later
"""Benchmarks: command line, order and output.

Each scenario is in a file part_NAME.py, with `run(size)` that yields its tables. A file with several
scenarios that share their hosts lists them in SCENARIOS; `size.scenarios` says which are wanted.
"""

import argparse
import contextlib
import dataclasses
import glob
import importlib
import json
import os
import signal
import sys
import time

import machine
from hosts import HERE, TOP, Failed

# In which order they run; what is not named here comes last.
ORDER = ("stack", "route", "drop", "refuse", "flood", "responder", "login", "million", "cost")
OUTPUT = os.path.join(TOP, ".output")


@dataclasses.dataclass
class Size:
    """How much to measure."""
    rounds: int = 7
    milliseconds: int = 100
    clients: tuple = (1, 1000, 100000, 1000000)
    scenarios: frozenset = frozenset()
    commands: int = 200
    lists: int = 7


def place(name):
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


def parts():
    """Modules by the names of their scenarios, and what each scenario is about."""
    found = {}
    for path in glob.glob(os.path.join(HERE, "part_*.py")):
        name = os.path.basename(path)[len("part_"):-len(".py")]
        module = importlib.import_module(f"part_{name}")
        about = module.__doc__.partition(": ")[2]
        for scenario, text in getattr(module, "SCENARIOS", {name: about}).items():
            found[scenario] = (module, text)
    return dict(sorted(found.items(), key=lambda item: place(item[0])))


def number(low, high):
    """A type for argparse."""
    def take(text):
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"expected a number from {low} to {high}, got '{text}'")
        return int(text)
    return take


def arguments(there):
    what = "\n".join(f"  {name:12}{' '.join(about.split())}" for name, (_, about) in there.items())
    parser = argparse.ArgumentParser(
        prog="tools/bench/run", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measure Sallyport against its peers and against the limit, on the lab's hosts. "
                    "Needs root.",
        epilog=f"scenarios:\n{what}\n\nValues are medians. The ratio says how Sallyport does against "
               "that row, and is the\nmedian of the ratios within each round; above 1 is better for "
               "Sallyport. Results go to\n.output/bench.json. A target that is missed does not make "
               "it fail; packets that do not\narrive and wrong answers do.")
    parser.add_argument("--rounds", type=number(1, 1000), metavar="N",
                        help="rounds of each table (default: 7)")
    parser.add_argument("--milliseconds", type=number(1, 60000), metavar="N",
                        help="how long each variant sends in a round (default: 100)")
    parser.add_argument("--clients", type=number(1, 1000000), metavar="N", default=1000000,
                        help="no scenario with more clients than N")
    parser.add_argument("--json", action="store_true", help="one JSON object in place of tables")
    parser.add_argument("--output", metavar="FOLDER", default=OUTPUT,
                        help="where bench.json goes (default: .output)")
    parser.add_argument("scenario", nargs="*", metavar="SCENARIO",
                        help="which of those below, separated by commas or blanks; all unless named")
    options = parser.parse_args()
    options.scenario = [name for one in options.scenario for name in one.split(",") if name]
    for name in options.scenario:
        if name not in there:
            parser.error(f"there is no scenario '{name}': expected {', '.join(there)}")
    return options


def sized(options, scenarios):
    size = Size(scenarios=frozenset(scenarios))
    size.clients = tuple(count for count in size.clients if count <= options.clients)
    size.rounds = size.lists = options.rounds or size.rounds
    size.milliseconds = options.milliseconds or size.milliseconds
    return size


def stop(signal_number, _frame):
    sys.exit(128 + signal_number)


def say(start, text):
    """Progress, for who waits."""
    print(f"bench: {time.monotonic() - start:5.0f} s  {text}", file=sys.stderr, flush=True)


def run_part(module, size, result, start, show):
    """Adds what a part finds to the result."""
    names = "+".join(sorted(size.scenarios, key=place))
    began = time.monotonic()
    say(start, f"{names}: begins")
    try:
        with contextlib.closing(module.run(size)) as tables:
            for table in tables:
                table.check()
                result["tables"].append(table.json())
                result["results"] += table.results()
                show(table)
                say(start, table.title)
    except Failed as reason:
        say(start, f"{names} failed: {reason}")
        result["failed"].append({"scenario": names, "reason": str(reason)})
    taken = result["seconds_of"][names] = round(time.monotonic() - began, 1)
    say(start, f"{names}: took {taken} s")


def main():
    there = parts()
    options = arguments(there)
    wanted = [name for name in there if name in (options.scenario or there)]
    start = time.monotonic()
    for signal_number in signal.SIGTERM, signal.SIGHUP, signal.SIGINT:
        signal.signal(signal_number, stop)
    result = {"machine": machine.facts(), "results": [], "tables": [], "failed": [], "seconds_of": {}}
    show = (lambda table: None) if options.json else (lambda table: print(table.text(), flush=True))
    if not options.json:
        print(machine.text(result["machine"]), flush=True)
    for module in dict.fromkeys(there[name][0] for name in wanted):
        own = [name for name in wanted if there[name][0] is module]
        size = sized(options, own)
        result["rounds"] = size.rounds
        run_part(module, size, result, start, show)
    result["seconds"] = round(time.monotonic() - start, 1)
    finish(result, options)


def finish(result, options):
    os.makedirs(options.output, exist_ok=True)
    with open(os.path.join(options.output, "bench.json"), "w", encoding="utf-8") as out:
        json.dump(result, out, indent=1)
        out.write("\n")
    if options.json:
        json.dump(result, sys.stdout)
        print()
    else:
        print(summary(result))
    if result["failed"]:
        sys.exit("tools/bench/run: no result of " + "; ".join(
            f"{one['scenario']}: {one['reason']}" for one in result["failed"]))


def summary(result):
    judged = [one for one in result["results"] if one["target"] is not None]
    met = sum(one["met"] for one in judged)
    return f"{met} of {len(judged)} targets met; {result['rounds']} rounds, {result['seconds']} s"


if __name__ == "__main__":
    main()
