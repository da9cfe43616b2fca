# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs under test, in a process of tests/differential/runner.c."""

import os
import struct
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(TOP, ".output/tests/differential/runner")

XDP, IN, OUT = range(3)


class Runner:
    def __init__(self, guard):
        arguments = [PROGRAM] if guard else [PROGRAM, "unguarded"]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(timeout=60)

    def read(self, size):
        self.process.stdin.write(b"S")
        self.process.stdin.flush()
        answer = self.process.stdout.read(size)
        if len(answer) != size:
            raise RuntimeError("the runner ended; its last words are above")
        return answer

    def reset(self):
        self.process.stdin.write(b"R")

    def jiffies(self):
        self.process.stdin.write(b"J")
        return struct.unpack("=Q", self.read(8))[0]

    def write(self, name, key, value):
        self.process.stdin.write(struct.pack("=c16sII", b"M", name.encode(), len(key), len(value))
                                 + key + value)

    def run(self, cases):
        """Verdicts of [(program, local, frame)]: [(reason, action)]."""
        commands = b"".join(struct.pack("=cBBH", b"F", program, local, len(frame)) + frame
                            for program, local, frame in cases)
        self.process.stdin.write(commands)
        return list(struct.iter_unpack("=HH", self.read(4 * len(cases))))
