# SPDX-License-Identifier: GPL-2.0-or-later
"""tools/test on tests made for it: what failed among others is repeated alone, and it says so."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "test"

# Fails the first time.
UNSTEADY = """
import pathlib
import pytest

@pytest.mark.parametrize("n", range({count}))
def test_unsteady(n):
    path = pathlib.Path(__file__).with_name(f"{{n}}")
    if not path.exists():
        path.touch()
        assert not "the first time"
"""
GOOD = "def test_good():\n    pass\n"
BAD = "def test_bad():\n    assert False\n"
# Ends by a failure of its tear-down besides that of its own.
TWICE = """
import pathlib
import pytest

@pytest.fixture
def torn():
    path = pathlib.Path(__file__).with_name("torn")
    first = not path.exists()
    path.touch()
    yield first
    assert not first

def test_twice(torn):
    assert not torn
"""
PROGRAM = """#!/bin/bash
if [[ {steady} == yes || -e $0.seen ]]; then echo "ok 1 - one"; exit 0; fi
touch "$0.seen"
echo "not ok 1 - one"
exit 1
"""


@pytest.fixture
def tree(tmp_path):
    """A copy of tools/test with nothing to install and nothing to build."""
    for folder in ("tools", "tests/unit", "tests/bpf", "tests/differential", "tests/net",
                   ".output/tests/unit"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(TOOL, tmp_path / "tools/test")
    (tmp_path / "tools/install-deps").write_text("#!/bin/sh\n")
    (tmp_path / "tools/install-deps").chmod(0o755)
    (tmp_path / "Makefile").write_text(".DEFAULT:\n\t@:\n")
    return tmp_path


def add_program(tree, name, steady):
    (tree / f"tests/unit/test_{name}.c").touch()
    program = tree / f".output/tests/unit/test_{name}"
    program.write_text(PROGRAM.format(steady="yes" if steady else "no"))
    program.chmod(0o755)


def run(tree, *names):
    """Exit code, and what it printed."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    result = subprocess.run([tree / "tools/test", *names], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                            stdin=subprocess.DEVNULL, timeout=300, env=clean)
    return result.returncode, result.stdout


def test_what_passes_alone_has_passed(tree):
    add_program(tree, "steady", True)
    add_program(tree, "unsteady", False)
    (tree / "tests/net/test_b.py").write_text(GOOD + UNSTEADY.format(count=2))
    (tree / "tests/net/test_c.py").write_text(TWICE)
    code, said = run(tree, "unit", "net")
    lines = said.splitlines()
    assert (code, lines[-1]) == (0, "6 passed, 0 failed, 0 skipped"), said
    assert lines[-2].startswith("passed only when repeated alone: ")
    assert sorted(lines[-2].split(": ")[1].split()) == [
        "tests/net/test_b.py::test_unsteady[0]", "tests/net/test_b.py::test_unsteady[1]",
        "tests/net/test_c.py::test_twice", "tests/unit/test_unsteady"]
    # What was wrong the first time can still be read.
    assert "the first time" in (tree / ".output/log/pytest.log").read_text()
    assert "not ok 1" in (tree / ".output/log/unit-test_unsteady.first.log").read_text()


def test_what_fails_again_has_failed(tree):
    (tree / "tests/net/test_b.py").write_text(GOOD + UNSTEADY.format(count=1) + BAD)
    code, said = run(tree, "net")
    lines = said.splitlines()
    assert (code, lines[-1]) == (1, "2 passed, 1 failed, 0 skipped"), said
    assert lines[-2] == "passed only when repeated alone: tests/net/test_b.py::test_unsteady[0]"


def test_many_that_fail_are_no_accident(tree):
    add_program(tree, "unsteady", False)
    (tree / "tests/net/test_b.py").write_text(GOOD + UNSTEADY.format(count=5))
    code, said = run(tree, "unit", "net")
    lines = said.splitlines()
    assert (code, lines[-1]) == (1, "2 passed, 5 failed, 0 skipped"), said
    assert lines[-2] == "passed only when repeated alone: tests/unit/test_unsteady"
