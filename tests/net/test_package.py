# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian package in a clean root, its units under systemd, `make install` elsewhere."""

import os
import re
import signal
import shutil
from pathlib import Path

import pytest

from clean_root import Machine, Root, run
from lab import CLIENT_MAC, GATEWAY, INTERNET, SBIN, TOP, gateway_state, wait_until

UNITS = ("sallyport", "sallyport@", "sallyport-up", "sallyport-up@")
# systemd-analyze: 0 is nothing, 100 everything that a process can do. Much of it is what the daemon is
# for (network administration, sockets) or gives away at its start (other users, chroot).
MOST_EXPOSED = 35
USERS = ["sallyport-garden", "sallyport-metrics", "sallyport-portal", "sallyport-prober",
         "sallyport-responder", "sallyport-verifier"]


def build(folder, *options, **environment):
    """The package of what is built, made in that folder."""
    made = run(TOP / "tools/package/build", "--out", folder, *options,
               env={**os.environ, **environment}, cwd=TOP)
    return Path(made.stdout.split()[-1])


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return build(tmp_path_factory.mktemp("package") / "out")


@pytest.fixture(scope="module")
def next_package(package, tmp_path_factory):
    """The same programs, called a later version."""
    folder = tmp_path_factory.mktemp("next")
    run("dpkg-deb", "-R", package, folder / "tree")
    control = folder / "tree/DEBIAN/control"
    control.write_text(re.sub(r"^(Version: .*)$", r"\1+next", control.read_text(), flags=re.M))
    run("dpkg-deb", "--build", folder / "tree", folder / "sallyport-next.deb")
    return folder / "sallyport-next.deb"


@pytest.fixture(scope="module")
def root(hosts, package, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean")
    clean = Root(hosts, folder / "root", package)
    yield clean
    clean.close()
    shutil.rmtree(folder / "root")


# --- the package -----------------------------------------------------------------------------------


def test_lintian(package):
    changes = next(package.parent.glob("*.changes"))
    found = run("lintian", "--allow-root", "--fail-on", "error,warning", changes, check=False)
    assert found.returncode == 0, found.stdout


def built_programs():
    return ["sbin/sallyport", "sbin/sallyportd",
            *(f"libexec/sallyport/{path.name}" for path in (SBIN.parent / "libexec/sallyport").iterdir())]


def test_reproducible(package, tmp_path):
    """Wherever, whenever and by whomever it is packaged, and compiled."""
    again = build(tmp_path / "elsewhere", TZ="Pacific/Auckland", LC_ALL="C", LANGUAGE="fr",
                  MAKEFLAGS="-j3", DEB_BUILD_OPTIONS="parallel=7")
    assert again.read_bytes() == package.read_bytes()

    tree = tmp_path / "another place for the tree"
    files = run("git", "-C", TOP, "ls-files", "-z", "--", "Makefile", "bpf", "include", "user").stdout
    for name in filter(None, files.split("\0")):
        if (TOP / name).is_file():  # and not deleted since
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TOP / name, tree / name)
    # All of it takes minutes of a processor: some objects of either side stand for it.
    made = [".output/bpf/uplink.bpf.o", ".output/obj/user/keeper/hear.o", ".output/obj/user/lib/log.o"]
    if os.environ.get("SALLYPORT_SOAK"):
        made = [f".output/{name}" for name in built_programs()]
    else:
        for part in ("bpf", "skeleton"):
            shutil.copytree(TOP / ".output" / part, tree / ".output" / part)
        (tree / made[0]).unlink()
    run("make", "-C", tree, *made, env={**os.environ, "CCACHE_DISABLE": "1"}, timeout=1200)
    for name in made:
        assert (tree / name).read_bytes() == (TOP / name).read_bytes(), name


def test_nothing_of_the_machine(package, tmp_path):
    run("dpkg-deb", "-x", package, tmp_path)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert str(TOP).encode() not in data and b"/usr/local" not in data, path


def installed(root):
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


def test_make_install(tmp_path):
    """Every file, and nothing of it after `make uninstall`."""
    where = [f"DESTDIR={tmp_path}", "PREFIX=/opt/sallyport"]
    run("make", "-C", TOP, "install", *where)
    prefix = "opt/sallyport"
    libexec = {path.name for path in (SBIN.parent / "libexec/sallyport").iterdir()}
    pages = {path.name for path in (TOP / "user/portal/pages").iterdir()}
    expected = {
        "etc/apparmor.d/sallyportd",
        *(f"{prefix}/sbin/{name}" for name in ("sallyport", "sallyportd")),
        *(f"{prefix}/libexec/sallyport/{name}" for name in libexec),
        *(f"{prefix}/share/sallyport/pages/{name}" for name in pages),
        f"{prefix}/share/sallyport/probes.conf",
        *(f"{prefix}/share/man/man{name[-1]}/{name}"
          for name in ("sallyport.8", "sallyportd.8", "sallyport.conf.5")),
        *(f"{prefix}/share/bash-completion/completions/{name}" for name in ("sallyport", "sallyportd")),
        *(f"{prefix}/lib/systemd/system/{name}.service" for name in UNITS),
        f"{prefix}/lib/sysusers.d/sallyport.conf",
        f"{prefix}/lib/tmpfiles.d/sallyport.conf",
        f"{prefix}/share/doc/sallyport/examples/sallyport.conf",
    }
    found = installed(tmp_path)
    assert expected <= found
    assert {name.rsplit("/", 1)[0] for name in found - expected} <= {
        f"{prefix}/share/sallyport/grafana", f"{prefix}/share/zsh/site-functions"}
    for name in found:
        assert b"/usr/local" not in (tmp_path / name).read_bytes(), name
    # It finds what belongs to it, wherever it is.
    shown = run(tmp_path / prefix / "sbin/sallyport", "--version").stdout
    assert re.fullmatch(r"sallyport \d+\.\d+\.\d+\n", shown)

    run("make", "-C", TOP, "uninstall", *where)
    assert not installed(tmp_path)
    assert not (tmp_path / prefix / "share/sallyport").exists()


def test_units_and_profile(package, tmp_path):
    run("dpkg-deb", "-x", package, tmp_path)
    for unit in ("sallyport", "sallyport@"):
        path = tmp_path / f"lib/systemd/system/{unit}.service"
        run("systemd-analyze", "security", "--offline=yes", "--no-pager",
            f"--threshold={MOST_EXPOSED}", path)
    run("apparmor_parser", "--skip-kernel-load", "--skip-cache", "--base", "/etc/apparmor.d",
        tmp_path / "etc/apparmor.d/sallyportd")
    shown = run(SBIN / "sallyport", "config", "check", "-c", tmp_path / "etc/sallyport/sallyport.conf")
    assert "ok" in shown.stdout


# --- in a clean root -------------------------------------------------------------------------------


class Ping:
    """From the client, every 2 ms, while the block runs."""

    def __init__(self, lab, log):
        self.lab = lab
        self.log = log

    def __enter__(self):
        with self.log.open("wb") as output:
            self.process = self.lab.popen(
                "client", "ping", "-n", "-i", "0.002", "-W", "2", INTERNET[4], stdout=output)
        wait_until(self.answered, 30, "an answer")
        return self

    def answered(self):
        text = self.log.read_text(encoding="utf-8")
        return [int(number) for number in re.findall(r" icmp_seq=(\d+) ttl=", text)]

    def __exit__(self, *_):
        # The command is what tools/lab became: nsenter, unshare, ping.
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)

    def lost(self):
        """Which were not answered; the last ones may have been under way at the end."""
        answered = self.answered()
        assert len(answered) > 100
        return sorted(set(range(1, max(answered) + 1)) - set(answered))


def is_captive(lab):
    """Whether plain HTTP is answered with the page."""
    answer = lab.curl(INTERNET[4], seconds=5)
    return answer is not None and answer.status == 511


def wait_captive(lab):
    wait_until(lambda: is_captive(lab), 60, "the page")


def files_of_ours(root):
    """All files of the root that have to do with us, but what dpkg and the accounts remember."""
    found = run("find", root.folder, "-xdev", "-path", "*sallyport*").stdout.splitlines()
    return [path for path in found
            if not re.search(r"/root/sallyport|/tmp/sallyport|/var/cache/apt|/var/lib/apt", path)]


def test_life(hosts, root, package, next_package, tmp_path):
    """Installed, configured, started, upgraded under traffic, removed, purged."""
    before = gateway_state(hosts)
    root.open()
    assert files_of_ours(root) == []
    root.install(package)
    # Nobody is cut off by that.
    assert gateway_state(hosts) == before and hosts.ping(INTERNET[4])
    assert root.run("sallyport", "--version").stdout.startswith("sallyport ")
    users = root.run("getent", "passwd", *USERS).stdout
    assert len(users.splitlines()) == len(USERS) and users.count("nologin") == len(USERS)
    assert root.run("systemctl", "is-enabled", "sallyport", check=False).stdout == "disabled\n"
    assert root.run("dpkg", "--verify", "sallyport").stdout == ""
    # The interface of the example is that of the lab.
    doctor = root.run("sallyport", "doctor", check=False)
    assert doctor.returncode in (0, 1) and "/etc/sallyport/sallyport.conf" in doctor.stdout

    root.run("sallyport", "up")
    log = tmp_path / "daemon.log"
    daemon = root.popen("sallyportd", log=log)
    wait_captive(hosts)
    root.run("sallyport", "client", "allow", CLIENT_MAC)

    # The new version is installed, then loaded, and its daemon takes over.
    with Ping(hosts, tmp_path / "ping") as ping:
        root.run("dpkg", "-i", root.give(next_package))
        root.run("sallyport", "up")
        daemon.terminate()
        assert daemon.wait(30) == 0, log.read_text()
        daemon = root.popen("sallyportd", log=log)
        wait_until(lambda: hosts.curl(GATEWAY[4], port=8080) is not None, 60, "the portal")
    assert ping.lost() == []
    assert root.run("sallyport", "client", "show", CLIENT_MAC).returncode == 0
    root.run("sallyport", "client", "remove", CLIENT_MAC)
    wait_captive(hosts)

    root.run("dpkg", "--remove", "sallyport")
    assert daemon.wait(30) == 0
    assert gateway_state(hosts) == before and hosts.ping(INTERNET[4])
    assert (root.folder / "var/lib/sallyport/ledger.db").exists()
    root.run("dpkg", "--purge", "sallyport")
    assert files_of_ours(root) == []
    root.close()


# --- under systemd ---------------------------------------------------------------------------------


@pytest.fixture
def machine(root, package):
    """The root with the package, booted."""
    root.open()
    root.install(package)
    root.close()
    booted = Machine(root)
    try:
        booted.boot()
        yield booted
    finally:
        booted.stop()


def test_systemd(hosts, machine, root, next_package, tmp_path):
    """Nothing runs until it is enabled; then it is what systemctl says."""
    before = gateway_state(hosts)

    def state(what="is-active", unit="sallyport"):
        return machine.run("systemctl", what, unit, check=False).stdout.strip()

    def main_pid():
        return machine.run("systemctl", "show", "--value", "-p", "MainPID", "sallyport").stdout.strip()

    def serves():
        return state() == "active" and is_captive(hosts)

    assert state() == "inactive" and hosts.ping(INTERNET[4])
    with (root.folder / "etc/sallyport/sallyport.conf").open("a", encoding="utf-8") as configuration:
        configuration.write("[metrics]\nlisten = 127.0.0.1:9487\n")
    machine.run("systemctl", "enable", "--now", "sallyport")
    # Type=notify: it serves when that comes back.
    assert state() == state(unit="sallyport-up") == "active"
    wait_captive(hosts)
    assert "Serving" in machine.run("systemctl", "status", "sallyport").stdout
    assert "serving instance sallyport" in machine.run("journalctl", "-u", "sallyport").stdout
    shown = hosts.run("gw", "curl", "-s", "--max-time", "20", "http://127.0.0.1:9487/metrics").stdout
    assert "sallyport_build_info" in shown
    first = main_pid()

    machine.run("sallyport", "client", "allow", CLIENT_MAC)
    with Ping(hosts, tmp_path / "ping") as ping:
        machine.run("systemctl", "reload", "sallyport")
        assert state() == "active" and main_pid() == first
        machine.run("systemctl", "restart", "sallyport")
        second = main_pid()
        assert second != first
        machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "sallyport")
        wait_until(lambda: state() == "active" and main_pid() not in ("0", second), 60, "its return")
        machine.run("dpkg", "-i", root.give(next_package))
        assert state() == "active"
        machine.run("systemctl", "stop", "sallyport")
        assert state() == "inactive"
    assert ping.lost() == []
    fields = machine.run("journalctl", "SALLYPORT_INSTANCE=sallyport", "-o", "json").stdout
    assert '"CODE_FILE":"user/keeper/' in fields

    # The gate stays without the daemon.
    machine.run("sallyport", "client", "remove", CLIENT_MAC)
    assert not hosts.ping(INTERNET[4], seconds=1)
    machine.run("systemctl", "start", "sallyport")
    wait_until(serves, 60, "the page")

    # As its watchdog ends it.
    third = main_pid()
    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=ABRT", "sallyport")
    wait_until(lambda: serves() and main_pid() != third, 60, "its return")

    machine.run("dpkg", "--purge", "sallyport")
    assert gateway_state(hosts) == before and hosts.ping(INTERNET[4])
    assert machine.run("systemctl", "list-units", "--all", "--plain", "--no-legend",
                       "sallyport*.service").stdout == ""
