#!/usr/bin/env python3
"""Makes a seed of the `variables` target: the first unit of a real Go program, a
small package, with the front of the lists that it refers to.

Usage: make_variables.py PROGRAM NAME, where PROGRAM is a Go executable with DWARF.
Writes seeds/variables/NAME: the lengths of nine sections, those, and .debug_info.
"""
import struct, sys, zlib
from pathlib import Path

program, name = Path(sys.argv[1]).read_bytes(), sys.argv[2]
u16 = lambda b, at: struct.unpack_from("<H", b, at)[0]
u32 = lambda b, at: struct.unpack_from("<I", b, at)[0]
u64 = lambda b, at: struct.unpack_from("<Q", b, at)[0]
LISTS = 6 << 10

sections = {}
strings = u64(program, u64(program, 40) + 64 * u16(program, 62) + 24)
for i in range(u16(program, 60)):
    at = u64(program, 40) + 64 * i
    start, offset, size = strings + u32(program, at), u64(program, at + 24), u64(program, at + 32)
    content = program[offset:offset + size]
    if u64(program, at + 8) & 0x800:  # SHF_COMPRESSED
        content = zlib.decompress(content[24:])
    sections[program[start:program.index(b"\0", start)].decode()] = content

info = sections[".debug_info"]
info = info[:4 + u32(info, 0)]
names = ["abbrev", "str", "line_str", "str_offsets", "addr", "loc", "loclists", "ranges", "rnglists"]
parts = [sections.get(f".debug_{part}", b"")[:LISTS] for part in names]
out = Path(__file__).parent / "variables"
out.mkdir(exist_ok=True)
(out / name).write_bytes(struct.pack("<9I", *map(len, parts)) + b"".join(parts) + info)
