# SPDX-License-Identifier: GPL-2.0-or-later
"""Structures of include/sallyport/abi.h as the BPF object describes them (BTF), so that a test that
writes maps by itself need not know where a field is."""

import json
import subprocess


class Layouts:
    def __init__(self, path):
        dump = subprocess.run(["bpftool", "-j", "btf", "dump", "file", path], check=True,
                              stdout=subprocess.PIPE, timeout=60)
        self.types = {one["id"]: one for one in json.loads(dump.stdout)["types"]}
        self.structs = {one["name"]: one for one in self.types.values() if one["kind"] == "STRUCT"}

    def pack(self, name, **fields):
        """The bytes of struct @name; fields that are not given are zero."""
        struct = self.structs[name]
        image = bytearray(struct["size"])
        for field in struct["members"]:
            if field["name"] in fields:
                self.store(image, field["bits_offset"] // 8, field["type_id"], fields.pop(field["name"]))
        if fields:
            raise KeyError(f"struct {name} has no {', '.join(fields)}")
        return bytes(image)

    def store(self, image, at, number, value):
        while self.types[number]["kind"] in ("TYPEDEF", "CONST", "VOLATILE"):
            number = self.types[number]["type_id"]
        kind = self.types[number]
        if isinstance(value, (bytes, bytearray)):
            image[at:at + len(value)] = value
        elif kind["kind"] == "ARRAY":
            size = self.size(kind["type_id"])
            for index, one in enumerate(value):
                self.store(image, at + index * size, kind["type_id"], one)
        else:
            image[at:at + kind["size"]] = value.to_bytes(kind["size"], "little")

    def size(self, number):
        while self.types[number]["kind"] in ("TYPEDEF", "CONST", "VOLATILE"):
            number = self.types[number]["type_id"]
        kind = self.types[number]
        if kind["kind"] == "ARRAY":
            return kind["nr_elems"] * self.size(kind["type_id"])
        return kind["size"]
