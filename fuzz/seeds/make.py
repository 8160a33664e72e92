#!/usr/bin/env python3
"""Makes the seeds: a few real functions out of a real Go program, in a file of a few KiB.

Usage: make.py PROGRAM FORM NAME, where PROGRAM is a Go executable with section
headers, FORM is 118 (Go 1.18, 1.19) or 120 (Go 1.20 on), NAME is the seeds' name.
Writes seeds/{elf,pclntab,build_info}/NAME beside this script.
"""
import struct, sys
from pathlib import Path

program, form, name = Path(sys.argv[1]).read_bytes(), sys.argv[2], sys.argv[3]
folder = Path(__file__).parent
u32 = lambda at: struct.unpack_from("<I", program, at)[0]
u64 = lambda at: struct.unpack_from("<Q", program, at)[0]

# Sections: name -> (address, offset, size)
shoff, shnum, shstr = u64(40), struct.unpack_from("<H", program, 60)[0], struct.unpack_from("<H", program, 62)[0]
raw = [struct.unpack_from("<IIQQQQIIQQ", program, shoff + 64 * i) for i in range(shnum)]
strings = raw[shstr][4]
cstr = lambda at: program[at:program.index(b"\0", at)]
sections = {cstr(strings + s[0]).decode(): (s[3], s[4], s[5]) for s in raw}
base_address, base, _ = sections[".gopclntab"]

nfunc = u64(base + 8)
names, units, files, values, functions = (base + u64(base + at) for at in (32, 40, 48, 56, 64))

def pctable(at):
    """The bytes of a table of (value, length) pairs, and its runs."""
    start, value, pc, runs, first = at, -1, 0, [], True
    def varint():
        nonlocal at
        n = shift = 0
        while True:
            b = program[at]; at += 1
            n |= (b & 0x7F) << shift; shift += 7
            if not b & 0x80: return n
    while True:
        change = varint()
        if change == 0 and not first: break
        first = False
        value += (change >> 1) ^ -(change & 1)
        pc += varint()
        runs.append((value, pc))
    return program[start:at], runs

# Where funcdata counts from: the module data says it.
def gofunc():
    pointer = struct.pack("<Q", base_address)
    at = program.index(pointer, sections[".noptrdata"][1] if ".go.module" not in sections else sections[".go.module"][1])
    offset = {"118": 304, "120": 320, "127": 344}[sys.argv[4] if len(sys.argv) > 4 else form]
    return u64(at + offset)

gofunc_address = gofunc()
of_address = lambda a: next(o + a - s for s, o, n in sections.values() if s and s <= a < s + n)
head, tree_entry = (40, 20) if form == "118" else (44, 16)

chosen, kinds = [], set()
for i in range(nfunc):
    record = functions + u32(functions + 8 * i + 4)
    flags, func_id, nfuncdata = program[record + head - 3], program[record + head - 4], program[record + head - 1]
    npcdata = u32(record + 28)
    inlines = nfuncdata > 3 and u32(record + head + 4 * npcdata + 12) != 0xFFFFFFFF
    kind = (flags, func_id, inlines)
    if kind not in kinds or (inlines and len([k for k in chosen if k[1]]) < 6):
        if u32(functions + 8 * i + 8) - u32(functions + 8 * i) < 1500:
            kinds.add(kind); chosen.append((i, inlines))

out_names, out_units, out_files, out_values, trees = bytearray(b"\0"), bytearray(), bytearray(), bytearray(b"\0"), bytearray()
records, index, entry = bytearray(), bytearray(), 0
index_size = 8 * len(chosen) + 4

def put(table, text):
    """Where text is in the table: at its end, unless it was there already."""
    found = table.find(text)
    if found >= 0: return found
    at = len(table); table += text; return at

def keep_table(offset):
    return put(out_values, pctable(values + offset)[0]) if offset else 0

for i, inlines in chosen:
    size = u32(functions + 8 * i + 8) - u32(functions + 8 * i)
    old = functions + u32(functions + 8 * i + 4)
    record = bytearray(program[old:old + head])
    put32 = lambda at, n: struct.pack_into("<I", record, at, n)
    put32(0, entry)
    put32(4, put(out_names, cstr(names + u32(old + 4)) + b"\0"))
    for at in (16, 20, 24): put32(at, keep_table(u32(old + at)))
    put32(32, len(out_units) // 4)
    if u32(old + 20):
        highest = max(v for v, _ in pctable(values + u32(old + 20))[1])
        for n in range(highest + 1):
            file = u32(units + 4 * (u32(old + 32) + n))
            out_units += struct.pack("<I", put(out_files, cstr(files + file) + b"\0") if file != 0xFFFFFFFF else file)
    npcdata, nfuncdata = u32(old + 28), record[head - 1]
    tail = b"".join(struct.pack("<I", keep_table(u32(old + head + 4 * n))) for n in range(npcdata))
    if inlines:
        tree = gofunc_address + u32(old + head + 4 * npcdata + 12)
        highest = max(v for v, _ in pctable(values + u32(old + head + 8))[1])
        at = len(trees)
        for n in range(highest + 1):
            call = bytearray(program[of_address(tree) + n * tree_entry:][:tree_entry])
            where = 12 if form == "118" else 4
            callee = struct.unpack_from("<I", call, where)[0]
            struct.pack_into("<I", call, where, put(out_names, cstr(names + callee) + b"\0"))
            trees += call
    refs = [0xFFFFFFFF] * nfuncdata
    if inlines: refs[3] = at
    tail += b"".join(struct.pack("<I", r) for r in refs)
    index += struct.pack("<II", entry, index_size + len(records))
    records += record + tail
    entry += size
index += struct.pack("<I", entry)

def align(table, n=8): table += bytes(-len(table) % n)

table = bytearray(72)
offsets = []
for part in (out_names, out_units, out_files, out_values, index + records):
    align(table); offsets.append(len(table)); table += part
align(table)
trees_at = len(table); table += trees; align(table)
text = 0x401000
magic = 0xFFFFFFF0 if form == "118" else 0xFFFFFFF1
struct.pack_into("<IBBBBQQQQQQQQ", table, 0, magic, 0, 0, 1, 8, len(chosen), 1, text, *offsets)
(folder / "pclntab" / name).write_bytes(struct.pack("<I", trees_at) + table)

_, at, size = sections[".go.buildinfo"]
info = program[at:at + size]
(folder / "build_info" / name).write_bytes(info)

# An executable of three segments: what is read, what is executed (no bytes), what is written.
read = bytearray(64 + 3 * 56); align(read, 32)
table_at = len(read); read += table
sections_at = len(read); read += struct.pack("<QQQ", 0, entry, text)
READ, WRITE = 0x500000, 0x600000
written = bytearray(info); align(written, 32)
module_at = len(written); module = bytearray(384)
word = lambda at, n: struct.pack_into("<Q", module, at, n)
T = READ + table_at
word(0, T); word(8, T + offsets[0]); word(104, T + offsets[4]); word(128, T + offsets[4]); word(136, len(chosen) + 1)
word(176, text); word(184, text + entry)
layout = sys.argv[4] if len(sys.argv) > 4 else form
fields = {"118": (304, 312), "120": (320, 328), "126": (320, 336), "127": (344, 360)}[layout]
word(fields[0], T + trees_at)
for n, v in enumerate((READ + sections_at, 1, 1)): word(fields[1] + 8 * n, v)
written += module
names_of = b"\0.gopclntab\0.go.buildinfo\0.shstrtab\0"
body = bytearray(read); align(body, 32)
written_at = len(body); body += written
strings_at = len(body); body += names_of; align(body)
headers_at = len(body)
def section(name_at, kind, address, offset, size):
    return struct.pack("<IIQQQQIIQQ", name_at, kind, 2, address, offset, size, 0, 0, 8, 0)
body += section(0, 0, 0, 0, 0) + section(1, 1, T, table_at, len(table))
body += section(12, 1, WRITE, written_at, len(info)) + section(26, 3, 0, strings_at, len(names_of))
struct.pack_into("<16sHHIQQQIHHHHHH", body, 0, b"\x7fELF\2\1\1", 2, 62, 1, text, 64, headers_at, 0, 64, 56, 3, 64, 4, 3)
for n, (flags, offset, address, filesz, memsz) in enumerate([
    (4, 0, READ, len(read), len(read)), (5, 0, text, 0, entry), (6, written_at, WRITE, len(written), len(written))]):
    struct.pack_into("<IIQQQQQQ", body, 64 + 56 * n, 1, flags, offset, address, address, filesz, memsz, 32)
(folder / "elf" / name).write_bytes(body)
print(name, len(chosen), "functions;", {p.name: len(p.read_bytes()) for p in [folder / "elf" / name, folder / "pclntab" / name, folder / "build_info" / name]})
