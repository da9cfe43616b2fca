# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmarks: what they make of figures, and that they leave nothing behind."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab import TOP, wait_until

sys.path.insert(0, str(TOP / "tools" / "bench"))

import chart  # noqa: E402
import check  # noqa: E402
import scenarios  # noqa: E402
from measure import Row, Table, Target, in_turn  # noqa: E402

MAIN = (sys.executable, "-B", str(TOP / "tools" / "bench" / "main.py"))
# The least that measures something: no program of another project, short rounds.
TINY = ("attach", "--rounds", "1", "--milliseconds", "5")
MEMBERS = {"scenario", "clients", "unit", "sallyport", "against", "value", "ratio", "target", "met"}


def table(ours, theirs, **more):
    return Table("title", "unit", [Row("ours", ours), Row("theirs", theirs)], scenario="some",
                 subject="ours", **more)


# --- figures ---------------------------------------------------------------------------------------


def test_ratio_is_that_of_rounds():
    """A round in which everything was slow says as much as another one."""
    assert table([10, 1, 30], [5, 0.5, 10]).results()[0]["ratio"] == 2


def test_more_is_better_of_rates_and_less_of_times():
    assert table([3], [2]).results()[0]["ratio"] == 1.5
    assert table([2], [3], lower_is_better=True).results()[0]["ratio"] == 1.5


@pytest.mark.parametrize("target, met", [(1.5, True), (1.6, False)])
def test_target_is_met_or_not(target, met):
    (result,) = table([3], [2], targets=(Target("theirs", target),)).results()
    assert (result["target"], result["met"]) == (target, met)


def test_no_target_is_neither():
    (result,) = table([3], [2]).results()
    assert result["target"] is None and result["met"] is None


def test_result_has_what_tells_it_apart():
    (result,) = table([3000], [2000], scale=1000, clients=7, limit="theirs", more={"family": 6}).results()
    assert MEMBERS <= set(result)
    assert (result["sallyport"], result["value"], result["unit"]) == (3, 2, "unit")
    assert (result["clients"], result["family"], result["role"]) == (7, 6, "limit")


def test_lost_packets_are_no_result():
    """Neither of that round, nor of a variant that mostly lost some; JSON has no NaN."""
    some = table([3, math.nan, 3], [2, 2, 2])
    assert some.results()[0]["ratio"] == 1.5
    most = table([3, math.nan, math.nan], [2, 2, 2], targets=(Target("theirs", 1),))
    (result,) = most.results()
    assert result["sallyport"] is None and result["ratio"] is None and result["met"] is False
    assert "no result" in most.text()
    json.dumps(result, allow_nan=False)


def test_names_of_rows_are_checked():
    with pytest.raises(ValueError, match="thiers"):
        table([1], [1], targets=(Target("thiers", 1),)).check()


def test_variants_take_turns():
    order = []
    rows = in_turn(2, {name: lambda name=name: order.append(name) or len(order) for name in "ab"})
    assert order == ["a", "b"] * 3
    # The first round is not kept.
    assert [row.values for row in rows] == [[3, 5], [4, 6]]


def test_chart_has_each_comparison():
    results = [{**one, "title": 'a "title"'} for ours, target in ((3, 1), (1, 2)) for one in table(
        [ours], [2], targets=(Target("theirs", target),)).results()]
    script = chart.script(results)
    assert '"A \\"title\\"" 0' in script and script.count('"theirs"') == 2
    assert '"1.50"' in script and '"0.50"' in script


# --- the guard -------------------------------------------------------------------------------------


def recorded(**ratios):
    return {name: float(ratio) for name, ratio in ratios.items()}


def test_guard_wants_a_fall_of_more_than_fifteen_percent():
    assert not check.fallen(recorded(a=1, b=2), {"a": 0.86, "b": 4})
    (sentence,) = check.fallen(recorded(a=1, b=2), {"a": 0.84, "b": 2}).values()
    assert sentence == "a: ratio 0.84 is 16 % below the recorded 1.00"


@pytest.mark.parametrize("measured", [{}, {"a": None}])
def test_guard_misses_what_has_no_result(measured):
    assert check.fallen(recorded(a=1), measured) == {"a": "a: no result; it was 1.00"}


def test_guard_measures_again_what_fell():
    results = [{"scenario": f"long-{part}", "clients": 1, "against": "x", "role": "peer", "ratio": 1,
                "part": part} for part in ("drop", "stack+route")]
    drop, path = (check.key(one) for one in results)
    every = ["stack", "route", "drop", "refuse"]
    assert check.whose([drop], results, every) == ["drop"]
    assert check.whose([path, drop], results, every) == ["stack", "route", "drop"]
    assert check.whose(["unknown"], results, every) == every


def test_baseline_is_the_lowest_and_read_as_written(tmp_path):
    path = tmp_path / "baseline.json"
    results = [{"scenario": "some", "clients": 1, "against": name, "role": role, "ratio": ratio}
               for name, role, ratio in (("x", "peer", 2), ("x", "peer", 1.23456), ("x", "peer", 3),
                                         ("y", "peer", None), ("z", "variant", 1))]
    check.write({"machine": {"cpu": "a", "kernel": "b"}, "results": results}, path)
    assert check.read(path) == {"some, clients 1, against x": 1.235}


@pytest.mark.parametrize("text", ["", "{}", '{"ratios": {"a": "b"}}', '{"ratios": []}'])
def test_bad_baseline_is_an_error(tmp_path, text):
    path = tmp_path / "baseline.json"
    path.write_text(text)
    with pytest.raises(check.Failed, match="make bench-baseline"):
        check.read(path)


# --- the command -----------------------------------------------------------------------------------


def bench(*arguments, timeout=120, **options):
    return subprocess.run([*MAIN, *arguments], capture_output=True, text=True, check=False,
                          timeout=timeout, **options)


def test_unknown_scenario_is_a_usage_error():
    done = bench("drop,nope")
    assert done.returncode == 2
    assert "there is no scenario 'nope': expected" in done.stderr
    for name in scenarios.there_are():
        assert name in done.stderr


@pytest.mark.parametrize("arguments", [("--rounds", "0"), ("--clients", "x"), ("--check", "--baseline"),
                                       ("--check", "drop")])
def test_bad_arguments_are_a_usage_error(arguments):
    done = bench(*arguments)
    assert done.returncode == 2 and "usage:" in done.stderr


class Started:
    """A run with a folder for temporary files of its own, by which its labs are known."""

    def __init__(self, folder, *arguments):
        self.folder = folder
        self.names = set()
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [*MAIN, *arguments, "--output", str(folder / "out")], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env={**os.environ, "TMPDIR": str(folder)})

    def look(self):
        """Remembers the labs there are. True when it has ended."""
        self.names |= {path.name.split("-")[2] for path in self.folder.glob("sallyport-bench-*")}
        return self.process.poll() is not None

    def log(self):
        return (self.folder / "log").read_text()

    def left(self):
        """What is left of its labs."""
        places = ("/run/netns", "/run/sallyport-lab", "/run", "/var/lib", "/sys/fs/bpf")
        found = [path for place in places for path in Path(place).glob("b*")
                 if path.name.split("-")[0] in self.names]
        return found + list(self.folder.glob("sallyport-bench-*"))


@pytest.fixture
def run(tmp_path):
    """What measures the least."""
    started = Started(tmp_path, *TINY)
    try:
        yield started
    finally:
        started.process.terminate()
        started.process.wait(120)


def test_run_writes_results_and_leaves_nothing(run, tmp_path):
    wait_until(run.look, 120)
    assert run.process.returncode == 0, run.log()
    result = json.loads((tmp_path / "out" / "bench.json").read_text())
    assert {one["against"] for one in result["results"] if one["role"] == "limit"} == {"no program, no rules"}
    for one in result["results"]:
        assert MEMBERS <= set(one)
        # Packets may be lost beside other tests: then there is no ratio.
        assert one["scenario"] == "attach" and (one["ratio"] is None or one["ratio"] > 0)
    assert result["rounds"] == 1 and result["machine"]["kernel"] == os.uname().release
    assert result["seconds_of"]["attach"] > 0 and not result["failed"]
    assert "Sallyport" in run.log() and "ratio" in run.log()
    assert shutil.which("gnuplot") is None or "<svg" in (tmp_path / "out" / "bench.svg").read_text()
    assert len(run.names) == 4
    assert not run.left()


def test_interrupted_run_leaves_nothing(run):
    def gate_is_there():
        ended = run.look()
        assert not ended, run.log()
        return any(Path("/sys/fs/bpf", name).exists() for name in run.names)

    wait_until(gate_is_there, 120)
    run.process.send_signal(signal.SIGINT)
    wait_until(run.look, 120)
    assert run.process.returncode == 130, run.log()
    assert not run.left()
