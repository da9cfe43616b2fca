# SPDX-License-Identifier: GPL-2.0-or-later
"""An instance that is not loaded: what the command line does with its ledger alone."""

import contextlib
import json
import secrets
import shutil
import sqlite3
import subprocess
from pathlib import Path

from lab import SBIN

DONE, FAILED, USAGE, NOT_FOUND, NOT_LOADED, PERMISSION = range(6)


class Instance:
    def __init__(self):
        self.name = "t" + secrets.token_hex(4)
        self.state = Path("/var/lib") / self.name
        self.ledger = self.state / "ledger.db"

    def command(self, *arguments):
        return [str(SBIN / "sallyport"), "-I", self.name, *arguments]

    def ctl(self, *arguments, **options):
        options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
        return subprocess.run(self.command(*arguments), capture_output=True, text=True,
                              timeout=120, check=False, **options)

    def done(self, *arguments, **options):
        """What a command prints that must not fail."""
        result = self.ctl(*arguments, **options)
        assert (result.returncode, result.stderr) == (DONE, ""), arguments
        return result.stdout

    def json(self, *arguments, **options):
        return [json.loads(line) for line in self.done("-j", *arguments, **options).splitlines()]

    def refused(self, code, words, *arguments, **options):
        """In text and in JSON."""
        result = self.ctl(*arguments, **options)
        assert (result.returncode, result.stdout) == (code, ""), result
        assert words in result.stderr and result.stderr.startswith("sallyport: ")
        error = json.loads(self.ctl("-j", *arguments, **options).stderr)
        assert words in error["error"] and error["exit_code"] == code

    def rows(self, sql):
        with contextlib.closing(sqlite3.connect(self.ledger)) as database:
            return database.execute(sql).fetchall()

    def bytes(self):
        """All that is kept."""
        return b"".join(file.read_bytes() for file in self.state.iterdir())

    def remove(self):
        shutil.rmtree(self.state, ignore_errors=True)
