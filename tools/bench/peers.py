# SPDX-License-Identifier: GPL-2.0-or-later
"""What a gateway of the lab may be: Sallyport, what else lets clients through, and the limits."""

import ctypes
import os

from hosts import MANY, Failed, address, contents, mac

OURS = "Sallyport"
NFT = "nftables, set of MACs"
STATELESS = "nftables, set of MACs, no conntrack"
IPTABLES = "iptables, a rule per client"
FILTER = "xdp-filter"
NONE = "no program, no rules"
BARE = "XDP, FIB lookup and nothing else"

# A chain is walked from its top: who has more has changed to sets. xdp-filter's table of addresses
# has room for 10,000.
MOST = {IPTABLES: 1000, FILTER: 1000}


def sallyport(forward, count, lab, attach="auto", more=""):
    room = "max_clients = 1048576\n" if count > 65000 else ""
    lab.gate(gateway=f"uplink = wan0\nforward = {forward}\nattach = {attach}\n{room}", more=more)
    lab.fill(count)
    lab.sink()


def as_on_a_nic(lab):
    """On a veth Sallyport leaves answers to TC, as they come back only to a peer that runs XDP. The
    lab's does: let it do what it does in the driver of a NIC."""
    libbpf = ctypes.CDLL("libbpf.so.1")
    pins = f"/sys/fs/bpf/{lab.name}".encode()
    link = libbpf.bpf_obj_get(pins + b"/links/xdp-lan0")
    program = libbpf.bpf_obj_get(pins + b"/programs/sallyport_xdp")
    if link < 0 or program < 0 or libbpf.bpf_link_update(link, program, None):
        raise Failed(f"{lab.name}: the program for NICs could not be attached to lan0")
    os.close(link)
    os.close(program)


def nft(count):
    """The set-based peer for so many clients. The kernel follows no more connections than that, in
    all namespaces; beyond, only rules that do without let packets through."""
    most = int(contents("/proc/sys/net/netfilter/nf_conntrack_max") or 0)
    return NFT if 2 * count <= most else STATELESS


def nftables(count, lab):
    lab.portal(count, stateless=nft(count) == STATELESS)
    lab.sink()


def chains(count):
    """What portals of that kind install, for iptables-restore: clients are marked on their way in,
    and counted on their way back."""
    known = [f"-A known -s {address(number)} -m mac --mac-source {mac(MANY, number)} "
             "-j MARK --or-mark 0x30000" for number in range(count)]
    counted = [f"-A counted -d {address(number)} {target}" for number in range(count)
               for target in ("-j MARK --or-mark 0x30000", "-j ACCEPT")]
    return "\n".join([
        "*mangle", ":known -", ":counted -", "-A PREROUTING -i lan0 -j known",
        "-A POSTROUTING -o lan0 -j counted", *known, *counted, "COMMIT",
        "*filter", ":FORWARD DROP", ":portal -", "-A FORWARD -i lan0 -j portal",
        "-A FORWARD -i wan0 -o lan0 -j ACCEPT",
        "-A portal -m conntrack --ctstate INVALID -j DROP",
        "-A portal -m mark --mark 0x30000/0x30000 -j ACCEPT",
        "-A portal -j REJECT", "COMMIT", ""])


def iptables(count, lab):
    lab.inside("gw", "iptables-restore", input=chains(count))
    lab.sink()


def xdp_filter(count, lab):
    """Only these MACs may send. Its map is pinned in one place of the whole machine: in a mount
    namespace of its own, which lives as long as a process in it."""
    entries = "".join(
        f"map update pinned /sys/fs/bpf/xdp-filter/filter_ethernet key hex "
        f"{mac(MANY, number).replace(':', ' ')} value hex 01 00 00 00 00 00 00 00\n" for number in range(count))
    path = os.path.join(lab.folder, "entries")
    with open(path, "w", encoding="ascii") as out:
        out.write(entries)
    ready = os.path.join(lab.folder, "ready")
    lab.serve("unshare", "--mount", "--propagation", "private", "sh", "-c",
              "mount -t bpf bpf /sys/fs/bpf && xdp-filter load -p deny -f ethernet lan0 && "
              'bpftool batch file "$0" >/dev/null && touch "$1" && exec sleep infinity', path, ready)
    lab.wait_for(ready)
    lab.sink()


def none(lab):
    lab.sink()


def bare(lab):
    lab.fixed("gw", "wan0", "forward")
    fixed("forward", lab)


def fixed(program, lab):
    """A program on the client side that decides nothing."""
    lab.fixed("gw", "lan0", program)
    lab.sink()
