# SPDX-License-Identifier: GPL-2.0-or-later
"""Benchmarks: command line and output."""

import argparse
import dataclasses
import json
import os
import signal
import sys

import chart
import check
import machine
import scenarios
from hosts import TOP, Failed

OUTPUT = os.path.join(TOP, ".output")
# What the guard measures: the paths of packets, which a change of the datapath may have made slower.
SHORT = ("stack", "route", "drop", "refuse")
SHORT_SIZE = scenarios.Size(rounds=5, milliseconds=60, clients=(1000, 100000), short=True)
# So many runs for what is recorded, and so many times the rounds for what seems to have become slower.
CAREFUL = 3


def number(low, high):
    """A type for argparse."""
    def take(text):
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"expected a number from {low} to {high}, got '{text}'")
        return int(text)
    return take


def parser_of(there):
    what = "\n".join(f"  {name:12}{' '.join(about.split())}" for name, (_, about) in there.items())
    parser = argparse.ArgumentParser(
        prog="tools/bench/run", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measure Sallyport against its peers and against the limit, on the lab's hosts. "
                    "Needs root.",
        epilog=f"scenarios:\n{what}\n\nValues are medians. The ratio says how Sallyport does against "
               "that row, and is the\nmedian of the ratios within each round; above 1 is better for "
               "Sallyport. Results go to\n.output/bench.json and bench.svg. A target that is missed "
               "does not make it fail; packets\nthat do not arrive and wrong answers do.")
    parser.add_argument("--rounds", type=number(1, 1000), metavar="N",
                        help="rounds of each table (default: 7; of the short form 5)")
    parser.add_argument("--milliseconds", type=number(1, 60000), metavar="N",
                        help="how long each variant sends in a round (default: 100; of the short form 60)")
    parser.add_argument("--clients", type=number(1, 1000000), metavar="N", default=1000000,
                        help="nothing with more clients than N")
    parser.add_argument("--json", action="store_true", help="one JSON object in place of tables")
    parser.add_argument("--output", metavar="FOLDER", default=OUTPUT,
                        help="where bench.json and bench.svg go (default: .output)")
    guard = parser.add_mutually_exclusive_group()
    guard.add_argument("--check", action="store_true",
                       help="a short form; fails if a ratio is more than 15 %% below the recorded one "
                            "(tools/bench/baseline.json)")
    guard.add_argument("--baseline", action="store_true", help="record the ratios of the short form")
    parser.add_argument("scenario", nargs="*", metavar="SCENARIO",
                        help="which of those below, separated by commas or blanks; all unless named")
    return parser


def arguments(there):
    parser = parser_of(there)
    options = parser.parse_args()
    options.scenario = [name for one in options.scenario for name in one.split(",") if name]
    for name in options.scenario:
        if name not in there:
            parser.error(f"there is no scenario '{name}': expected {', '.join(there)}")
    options.short = options.check or options.baseline
    if options.short and options.scenario:
        parser.error("--check and --baseline choose the scenarios themselves")
    return options


def sized(options):
    size = SHORT_SIZE if options.short else scenarios.Size()
    return dataclasses.replace(
        size, rounds=options.rounds or size.rounds, milliseconds=options.milliseconds or size.milliseconds,
        clients=tuple(count for count in size.clients if count <= options.clients))


def stop(signal_number, _frame):
    sys.exit(128 + signal_number)


def show_nothing(_table):
    """For JSON."""


def show_text(table):
    print(table.text(), flush=True)


def main():
    there = scenarios.there_are()
    options = arguments(there)
    for signal_number in signal.SIGTERM, signal.SIGHUP, signal.SIGINT:
        signal.signal(signal_number, stop)
    run = scenarios.Run(show_nothing if options.json else show_text)
    if not options.json:
        print(machine.text(run.result["machine"]), flush=True)
    size = sized(options)
    if options.check:
        guard(run, there, size)
        return
    if options.baseline:
        # With hosts of their own: where maps lie in memory differs, and shows.
        for _ in range(CAREFUL):
            run.measure(there, short(there), size)
        check.write(run.result)
    else:
        run.measure(there, [name for name in there if name in (options.scenario or there)], size)
        finish(run.result, options)
    complain(run.result)


def short(there):
    return [name for name in there if name in SHORT]


def guard(run, there, size):
    """Noise goes when it is measured again, and longer; what has become slower stays."""
    recorded = check.read()
    run.measure(there, short(there), size)
    worse = check.fallen(recorded, check.ratios(run.result["results"]))
    if worse:
        run.say("measured once more: " + "; ".join(worse.values()))
        again = scenarios.Run(run.show)
        again.measure(there, check.whose(worse, run.result["results"], short(there)),
                      dataclasses.replace(size, rounds=CAREFUL * size.rounds))
        worse = check.fallen({name: recorded[name] for name in worse},
                             check.ratios(again.result["results"]))
    if worse:
        sys.exit("\n".join(f"tools/bench/run: {sentence}" for sentence in worse.values()))
    print(f"{len(recorded)} ratios: none is more than 15 % below that of tools/bench/baseline.json")


def finish(result, options):
    os.makedirs(options.output, exist_ok=True)
    with open(os.path.join(options.output, "bench.json"), "w", encoding="utf-8") as out:
        json.dump(result, out, indent=1)
        out.write("\n")
    try:
        chart.draw(result["results"], os.path.join(options.output, "bench.svg"))
    except Failed as reason:
        print(f"tools/bench/run: no chart: {reason}", file=sys.stderr)
    if options.json:
        json.dump(result, sys.stdout)
        print()
    else:
        print(summary(result))


def complain(result):
    if result["failed"]:
        sys.exit("\n".join(f"tools/bench/run: no result of {one['scenario']}: {one['reason']}"
                           for one in result["failed"]))


def summary(result):
    judged = [one for one in result["results"] if one["target"] is not None]
    met = sum(one["met"] for one in judged)
    left_out = [f"not measured in {one['scenario']}: {one['against']}, because {one['reason']}"
                for one in result["not_measured"]]
    return "\n".join(
        [*left_out, f"{met} of {len(judged)} targets met; {result['rounds']} rounds, {result['seconds']} s"])


if __name__ == "__main__":
    try:
        main()
    except Failed as reason:
        sys.exit(f"tools/bench/run: {reason}")
