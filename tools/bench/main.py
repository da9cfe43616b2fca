# SPDX-License-Identifier: GPL-2.0-or-later
"""Benchmarks: command line and output."""

import argparse
import dataclasses
import json
import os
import signal
import sys
import time

import part_cli
import part_flat
import part_flood
import part_path
import part_responder
import part_route
from hosts import Failed

PARTS = {"path": part_path, "route": part_route, "flat": part_flat, "flood": part_flood, "responder": part_responder,
         "cli": part_cli}


@dataclasses.dataclass
class Size:
    """How long to measure."""
    rounds: int
    milliseconds: int
    clients: tuple
    wrk_rounds: int
    wrk_seconds: int
    commands: int
    lists: int


FULL = Size(15, 250, (1, 1000, 10000, 100000, 1000000), 7, 2, 200, 7)
QUICK = Size(3, 100, (1, 1000, 100000), 1, 1, 50, 2)


def arguments():
    what = "\n".join(part.__doc__ for part in PARTS.values())
    parser = argparse.ArgumentParser(
        prog="tools/bench/run", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measure Sallyport against nftables and nginx, on the lab's hosts. Needs root.",
        epilog=f"{what}\n\nValues are medians; ratio is the median of the ratios to the first row "
               "within each round.\nNo value makes it fail; packets that do not arrive and wrong "
               "answers do.")
    parser.add_argument("--quick", action="store_true", help="less than a minute; more noise")
    parser.add_argument("--json", action="store_true", help="one JSON object in place of tables")
    parser.add_argument("part", nargs="*", metavar="PART",
                        help=f"{', '.join(PARTS)}; all of them unless named")
    options = parser.parse_args()
    for part in options.part:
        if part not in PARTS:
            parser.error(f"there is no part '{part}': expected {', '.join(PARTS)}")
    return options


def stop(number, _frame):
    sys.exit(128 + number)


def main():
    options = arguments()
    size = QUICK if options.quick else FULL
    start = time.monotonic()
    result = {"kernel": os.uname().release, "cpus": os.cpu_count(), "quick": options.quick,
              "tables": []}
    for number in signal.SIGTERM, signal.SIGHUP, signal.SIGINT:
        signal.signal(number, stop)
    for name in options.part or PARTS:
        for table in PARTS[name].run(size):
            result["tables"].append(table.json())
            if not options.json:
                print(table.text(), flush=True)
    result["seconds"] = round(time.monotonic() - start, 1)
    if options.json:
        json.dump(result, sys.stdout)
        print()
    else:
        print(f"Linux {result['kernel']}, {result['cpus']} CPUs, {result['seconds']} s")


if __name__ == "__main__":
    try:
        main()
    except Failed as reason:
        sys.exit(f"tools/bench/run: {reason}")
