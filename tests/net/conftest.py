# SPDX-License-Identifier: GPL-2.0-or-later
"""One lab per module, each with a name of its own, so that modules can run beside other labs."""

import os
import signal
import sys

import pytest

from lab import running

os.environ["PATH"] += ":/usr/sbin:/sbin"


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "alone: measures time or rates, or takes the machine for itself: not beside others"
    )


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        pytest.exit("these tests need root for network namespaces; run: sudo tools/test net", 5)
    # Ended from outside, the fixtures still take their labs down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


@pytest.fixture(scope="module")
def hosts():
    """A lab without a gate."""
    with running() as lab:
        yield lab


@pytest.fixture(scope="module")
def gated(hosts):
    """A lab with its gate up, shared by the tests of a module."""
    hosts.gate()
    return hosts


@pytest.fixture
def lab(gated):
    """The shared lab with its first client captive, before and after."""
    gated.forget()
    yield gated
    gated.forget()


@pytest.fixture(params=[4, 6], ids=["ipv4", "ipv6"])
def family(request):
    return request.param
