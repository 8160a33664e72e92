#!/usr/bin/env python3
"""Makes a seed of the `dwarf` target: the runtime's unit of a real Go program, with
the types that Bingo looks up and those on the way to their members.

Usage: make_dwarf.py PROGRAM NAME, where PROGRAM is a Go executable with DWARF.
Writes seeds/dwarf/NAME: the lengths of .debug_abbrev, .debug_str and .debug_line_str,
those three, and .debug_info.
"""
import re, struct, sys, zlib
from pathlib import Path

program, name = Path(sys.argv[1]).read_bytes(), sys.argv[2]
folder = Path(__file__).parent
u16 = lambda b, at: struct.unpack_from("<H", b, at)[0]
u32 = lambda b, at: struct.unpack_from("<I", b, at)[0]
u64 = lambda b, at: struct.unpack_from("<Q", b, at)[0]

# The types and members that Bingo asks for, as its own table spells them.
asked, ty = {}, None
for line in (folder / "../../bingo/src/binary/layout/types.rs").read_text().splitlines():
    if found := re.match(r'    \w+ = "([\w./]+)" \{', line):
        ty = asked.setdefault(found[1], set())
    elif ty is not None and (found := re.match(r"        \w+: [\w<>]+ = (.*);", line)):
        ty.update(re.findall(r'"([^"]+)"', found[1]))
steps = {step for paths in asked.values() for path in paths for step in path.split(".")[:-1]}

sections = {}
strings = u64(program, u64(program, 40) + 64 * u16(program, 62) + 24)
for i in range(u16(program, 60)):
    at = u64(program, 40) + 64 * i
    start, offset, size = strings + u32(program, at), u64(program, at + 24), u64(program, at + 32)
    content = program[offset:offset + size]
    if u64(program, at + 8) & 0x800:  # SHF_COMPRESSED
        content = zlib.decompress(content[24:])
    sections[program[start:program.index(b"\0", start)].decode()] = content
info, abbrev = sections[".debug_info"], sections[".debug_abbrev"]

def uleb(b, at):
    n = shift = 0
    while True:
        n |= (b[at] & 0x7F) << shift; shift += 7; at += 1
        if not b[at - 1] & 0x80: return n, at

def abbreviations(at):
    table = {}
    while True:
        code, at = uleb(abbrev, at)
        if code == 0: return table
        tag, at = uleb(abbrev, at)
        children, at, attributes = abbrev[at], at + 1, []
        while True:
            attribute, at = uleb(abbrev, at)
            form, at = uleb(abbrev, at)
            if form == 0x21:  # implicit_const: its value stands here
                _, at = uleb(abbrev, at)
            if (attribute, form) == (0, 0): break
            attributes.append((attribute, form))
        table[code] = (tag, children, attributes)

def skip(form, at):
    fixed = {0x01: 8, 0x05: 2, 0x06: 4, 0x07: 8, 0x0b: 1, 0x0c: 1, 0x0e: 4, 0x10: 4, 0x11: 1, 0x12: 2, 0x13: 4,
             0x14: 8, 0x17: 4, 0x19: 0, 0x1f: 4, 0x20: 8, 0x21: 0, 0x25: 1, 0x26: 2, 0x28: 4, 0x29: 1, 0x2a: 2}
    if form in fixed: return at + fixed[form]
    if form == 0x08: return info.index(b"\0", at) + 1
    if form in (0x0d, 0x0f, 0x15, 0x1a, 0x1b, 0x22, 0x23): return uleb(info, at)[1]
    if form in (0x09, 0x18): n, at = uleb(info, at); return at + n
    if form == 0x0a: return at + 1 + info[at]
    raise SystemExit(f"form {form:#x} is not known here")

def entry(at):
    """One entry: its end, tag, whether it has children, and where each attribute's value is."""
    code, end = uleb(info, at)
    if code == 0: return end, 0, 0, {}
    tag, children, attributes = table[code]
    places = {}
    for attribute, form in attributes:
        places[attribute] = (form, end)
        end = skip(form, end)
    return end, tag, children, places

text = lambda place: info[place[1]:info.index(b"\0", place[1])].decode() if place and place[0] == 0x08 else ""

# The runtime's unit that holds the types, and the structs and typedefs in it, each with its members.
unit, types = 0, {}
while unit < len(info):
    size, version = u32(info, unit), u16(info, unit + 4)
    table = abbreviations(u32(info, unit + (6 if version < 5 else 8)))
    root = unit + (11 if version < 5 else 12)
    at, _, _, places = entry(root)
    if text(places.get(0x03)) == "runtime":
        parents, first = [], at
        while at < unit + 4 + size:
            start = at
            at, tag, children, places = entry(at)
            if tag == 0:
                if parents: parents.pop()
                continue
            if not parents and tag in (0x13, 0x16):
                types[start] = [text(places.get(0x03)), at, [(start, places)]]
            elif tag == 0x0d and parents[-1:] and parents[-1] in types:
                types[parents[-1]][2].append((start, places))
                types[parents[-1]][1] = at
            if children: parents.append(start)
        if types: break
    unit += 4 + size

wanted = [start for start, (ty, *_) in types.items() if ty in asked]
for start in wanted:
    for member, places in types[start][2]:
        on_the_way = types[start][0] not in asked or text(places.get(0x03)) in steps or not types[start][1]
        target = u32(info, places[0x49][1]) if 0x49 in places else 0
        if on_the_way and target in types and target not in wanted:
            wanted.append(target)

# The new unit: its header, its root, and what is wanted, with references to what is left out cleared.
out, moved, patches = bytearray(info[unit:first]), {}, []
for start in wanted:
    _, end, entries = types[start]
    moved[start] = len(out)
    for _, places in entries:
        if 0x49 in places: patches.append((len(out) + places[0x49][1] - start, u32(info, places[0x49][1])))
    out += info[start:end]
    if entry(start)[2]: out += b"\0"
out += b"\0"
for at, target in patches: struct.pack_into("<I", out, at, moved.get(target, 0))
struct.pack_into("<I", out, 0, len(out) - 4)
struct.pack_into("<I", out, 6 if version < 5 else 8, 0)
abbrev_at = u32(info, unit + (6 if version < 5 else 8))
parts = [abbrev[abbrev_at:], b"", b""]
(folder / "dwarf").mkdir(exist_ok=True)
(folder / "dwarf" / name).write_bytes(struct.pack("<III", *map(len, parts)) + b"".join(parts) + out)
print(name, "DWARF", version, len(wanted), "types,", 12 + sum(map(len, parts)) + len(out), "bytes")
