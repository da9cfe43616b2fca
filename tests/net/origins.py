# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections to the portal, written into the map `origins` as the datapath writes those that it sees:
the keeper believes no portal that names others."""

import ctypes
import os
import platform
import struct

BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
MAP_UPDATE, OBJ_GET = 2, 7
KEY, VALUE = struct.Struct("16s16sHHI"), struct.Struct("6sHQII")  # struct sp_origin_key, sp_origin
libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    result = libc.syscall(BPF, command, buffer, len(attributes))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf {command}")
    return result


class Origins:
    def __init__(self, instance):
        path = ctypes.create_string_buffer(f"/sys/fs/bpf/{instance}/origins".encode())
        self.file = bpf(OBJ_GET, struct.pack("=QII", ctypes.addressof(path), 0, 0))

    def close(self):
        os.close(self.file)

    def write(self, mac, vlan=0, zone=0):
        """A connection of that client's; its key."""
        key = ctypes.create_string_buffer(
            KEY.pack(bytes(10) + b"\xff\xff" + mac[2:], bytes(16), vlan, 0, 1), KEY.size)
        value = ctypes.create_string_buffer(VALUE.pack(mac, vlan, 0, zone, 0), VALUE.size)
        bpf(MAP_UPDATE, struct.pack("=IIQQQ", self.file, 0, ctypes.addressof(key),
                                    ctypes.addressof(value), 0))
        return key.raw
