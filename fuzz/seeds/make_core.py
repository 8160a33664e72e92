#!/usr/bin/env python3
"""Makes the seeds of the fuzz target `core`: cores of a few KiB, with a runtime of Go 1.27.

Usage: make_core.py
Reads the release table of bingo/src/binary/layout, writes seeds/core/ beside this script.
"""
import struct
from pathlib import Path

folder = Path(__file__).parent
table = {}
for line in (folder / "../../bingo/src/binary/layout/releases.txt").read_text().splitlines():
    words = line.split()
    if len(words) == 10 and not line.startswith("#") and words[-1].isdigit():
        table[words[0], words[1]] = int(words[-1])

class Memory:
    def __init__(self, start, size):
        self.start, self.bytes = start, bytearray(size)

    def put(self, at, *values, form="Q"):
        struct.pack_into("<%d%s" % (len(values), form), self.bytes, at - self.start, *values)

def note(kind, desc):
    padding = -len(desc) % 4
    return struct.pack("<III", 5, len(desc), kind) + b"CORE\0\0\0\0" + desc + b"\0" * padding

def core(memories, notes, cut=0):
    parts = [(4, 0, notes)] + [(1, memory.start, bytes(memory.bytes)) for memory in memories]
    head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, len(parts), 0, 0, 0)
    at, headers = 64 + 56 * len(parts), b""
    for kind, start, content in parts:
        headers += struct.pack("<IIQQQQQQ", kind, 6, at, start, 0, len(content), len(content), 1)
        at += len(content)
    whole = head + headers + b"".join(content for _, _, content in parts)
    return whole[: len(whole) - cut]

G = lambda member: table["runtime.g", member]
M = lambda member: table["runtime.m", member]
VARIABLES, HEAP, STACKS = 0x1000, 0x20000, 0x30000

def goroutine(heap, stacks, number, status, reason):
    g, low = HEAP + 0x400 * number, STACKS + 0x200 * number
    sp = low + 0x180
    stacks.put(sp, 0, 0, 0, 0x200011, 0, 0, 0, 0x100000)
    for member, value in [("stack.lo", low), ("stack.hi", low + 0x200), ("sched.sp", sp), ("sched.pc", 0x200020),
                          ("sched.g", g), ("goid", number), ("gopc", 0x200030), ("startpc", 0x200000)]:
        heap.put(g + G(member), value)
    heap.put(g + G("atomicstatus"), status, form="I")
    heap.put(g + G("waitreason"), reason, form="B")
    return g

def seed(name, status, cut=0):
    variables, heap, stacks = Memory(VARIABLES, 0x800), Memory(HEAP, 0x3000), Memory(STACKS, 0x1000)
    first = goroutine(heap, stacks, 1, 4, 17)
    second = goroutine(heap, stacks, 2, status, 0)
    listed, channel, sudog, m = HEAP + 0x2000, HEAP + 0x2100, HEAP + 0x2200, HEAP + 0x2400
    variables.put(VARIABLES, listed, 2, m)
    heap.put(listed, first, second)
    heap.put(first + G("waiting"), sudog)
    heap.put(sudog + table["runtime.sudog", "g"], first)
    heap.put(sudog + table["runtime.sudog", "c"], channel)
    heap.put(channel + table["runtime.hchan", "recvq.first"], sudog)
    for member, value in [("procid", 77), ("curg", second)]:
        heap.put(m + M(member), value)
    status_note = bytearray(336)
    struct.pack_into("<I", status_note, 32, 77)
    registers = [0] * 27
    registers[16], registers[19] = 0x200044, STACKS + 0x400 + 0x180
    struct.pack_into("<27Q", status_note, 112, *registers)
    files = struct.pack("<5Q", 1, 4096, 0x400000, 0x401000, 0) + b"/bin/shop\0"
    notes = note(1, bytes(status_note)) + note(3, bytes(136)) + note(6, struct.pack("<4Q", 9, 0x400010, 0, 0)) + note(0x46494C45, files)
    (folder / "core" / name).write_bytes(core([variables, heap, stacks], notes, cut))

(folder / "core").mkdir(exist_ok=True)
seed("waits", 4)
seed("runs", 2)
seed("cut-off", 2, cut=0x800)
