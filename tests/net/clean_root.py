# SPDX-License-Identifier: GPL-2.0-or-later
"""A clean Debian root in the gateway of a lab: as a chroot, or booted with its systemd."""

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

from lab import TOP, wait_until

ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive",
}


def run(*command, check=True, timeout=300, **options):
    result = subprocess.run(
        [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, check=False, timeout=timeout, **options,
    )
    if check:
        assert result.returncode == 0, f"{command}: {result.stdout[-3000:]}{result.stderr[-3000:]}"
    return result


class Root:
    """The folder, and how to run something in it; its mounts are in a namespace that goes with it.

    Its /sys/fs/bpf is one of its own: nobody else's gates are to be seen from it."""

    def __init__(self, lab, folder, package):
        self.lab = lab
        self.folder = folder
        self.network = f"--net=/run/netns/{lab.host('gw')}"
        self.holder = None
        run(TOP / "tools/package/root", package, folder, timeout=900)

    def open(self):
        script = (
            'mount --bind "$0" "$0" && cd "$0" && mount -t proc proc proc && mount -t sysfs sys sys &&'
            " mount -t bpf bpf sys/fs/bpf && mount -t tmpfs tmpfs dev &&"
            " for node in null zero random urandom; do"
            " touch dev/$node && mount --bind /dev/$node dev/$node || exit 1; done &&"
            " echo ready && exec sleep infinity"
        )
        self.holder = subprocess.Popen(
            ["nsenter", self.network, "--", "unshare", "--mount", "--propagation", "private", "sh",
             "-c", script, str(self.folder)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )
        assert self.holder.stdout.readline() == "ready\n"

    def close(self):
        if self.holder:
            self.holder.kill()
            self.holder.wait()
            self.holder.stdout.close()
            self.holder = None

    def inside(self, *command):
        return ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", self.network, "--", "chroot",
                str(self.folder), *command]

    def run(self, *command, **options):
        return run(*self.inside(*command), env=ENVIRONMENT, **options)

    def popen(self, *command, log):
        with open(log, "ab") as output:
            return subprocess.Popen(self.inside(*command), env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                                    stdout=output, stderr=output)

    def give(self, package):
        """Put a package into the root; its name there."""
        shutil.copy(package, self.folder / "root" / package.name)
        return f"/root/{package.name}"

    def install(self, package):
        """As somebody does who has the file only: dpkg, then apt for what is missing."""
        run_in = self.run
        run_in("dpkg", "-i", self.give(package), check=False)
        run_in("apt-get", "-qq", "-y", "--no-install-recommends", "--fix-broken", "install")


class Machine:
    """The root booted: systemd is its first process."""

    def __init__(self, root):
        self.root = root
        self.name = root.lab.name
        self.log = root.folder.parent / "machine.log"
        self.groups = [
            Path(line.split()[1]) / self.name
            for line in Path("/proc/mounts").read_text(encoding="ascii").splitlines()
            if line.split()[2] == "cgroup2" or "name=systemd" in line.split()[3].split(",")
        ]
        self.process = None
        self.init = None

    def enter_groups(self):
        for group in self.groups:
            (group / "cgroup.procs").write_text("0", encoding="ascii")

    def boot(self):
        for group in self.groups:
            group.mkdir()
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit",
                 "--directory", str(self.root.folder), "--machine", self.name, "--console=pipe",
                 f"--network-namespace-path=/run/netns/{self.root.lab.host('gw')}",
                 "--capability=all", "--system-call-filter=bpf perf_event_open", "--link-journal=no"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env={**os.environ, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1"},
                preexec_fn=self.enter_groups,
            )
        wait_until(self.booted, 120, f"the machine's start, see {self.log}")
        self.run("sh", "-c", "mkdir -p /sys/fs/bpf && mount -t bpf bpf /sys/fs/bpf")

    def booted(self):
        assert self.process.poll() is None, self.log.read_text(encoding="utf-8", errors="replace")
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in path.read_text(encoding="ascii").split():
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text(encoding="ascii") == "systemd\n":
                    self.init = int(pid)
        if not self.init:
            return False
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    def run(self, *command, **options):
        return run("nsenter", f"--target={self.init}", "--mount", "--pid", "--uts", "--ipc", "--net",
                   "--cgroup", "--root", "--", *command, env=ENVIRONMENT, **options)

    def stop(self):
        """An orderly end, else by force."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(120)
            except subprocess.TimeoutExpired:
                if self.init:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(self.init, signal.SIGKILL)
                self.process.kill()
                self.process.wait()
        for group in self.groups:
            for folder in sorted([group, *group.glob("**/")], key=lambda path: -len(path.parts)):
                with contextlib.suppress(FileNotFoundError):
                    folder.rmdir()
