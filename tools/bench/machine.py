# SPDX-License-Identifier: GPL-2.0-or-later
"""What was measured on: a figure means nothing without it."""

import glob
import os
import re
import subprocess

from hosts import contents

# Programs by the arguments that make them tell their version.
VERSIONS = {"clang": ["clang", "--version"], "bpftool": ["bpftool", "version"], "nft": ["nft", "--version"],
            "iptables": ["iptables", "--version"], "nginx": ["nginx", "-v"]}
# Libraries and programs that do not tell, by their package.
PACKAGES = {"libbpf": "libbpf1", "libmicrohttpd": "libmicrohttpd12", "xdp-filter": "xdp-tools",
            "openNDS": "opennds"}


def said(arguments):
    try:
        done = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
    except OSError:
        return ""
    return done.stdout


def version(text):
    """The first thing in it that looks like one."""
    found = re.search(r"\d+\.\d[\w.]*", text)
    return found[0] if found else None


def package(name):
    text = said(["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Version}", name])
    return text.split()[-1] if text.startswith("ii") else None


def mitigations():
    """By name what the kernel does about weaknesses of this CPU; those it has not are left out."""
    paths = sorted(glob.glob("/sys/devices/system/cpu/vulnerabilities/*"))
    there = {os.path.basename(path): contents(path).strip() for path in paths}
    return {name: text for name, text in there.items() if text != "Not affected"}


def facts():
    model = re.search(r"^model name\s*: (.*)$", contents("/proc/cpuinfo"), re.M)
    versions = {name: version(said(arguments)) for name, arguments in VERSIONS.items()}
    versions.update((name, package(there)) for name, there in PACKAGES.items())
    return {"cpu": model[1] if model else os.uname().machine, "cpus": os.cpu_count(),
            "kernel": os.uname().release, "mitigations": mitigations(), "versions": versions}


def text(there):
    versions = ", ".join(f"{name} {number or 'not installed'}" for name, number in there["versions"].items())
    weak = "; ".join(f"{name}: {what}" for name, what in there["mitigations"].items()) or "none needed"
    return (f"{there['cpu']}, {there['cpus']} CPUs, Linux {there['kernel']}\n{versions}\n"
            f"mitigations: {weak}\n")
