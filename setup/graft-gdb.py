"""Lets gdb walk through calls that graft has wrapped: gdb -x setup/graft-gdb.py -p PID, or (gdb) source setup/graft-gdb.py.

While a function runs whose call is wrapped, the word that held its return address leads into a pool of graft's, and the
address is in that pool's runtime region, where this looks for it. What the numbers mean: preload-shim/layouts/pool.layout.
"""

import re
import struct

import gdb
import gdb.unwinder

RUNTIME_SIZE = 0x60000
CONFIG_RETURN_PAGES = 0x1000 + 40
SLOTS, SLOT_COUNT, SLOT_BYTES, SET_BYTES = 0x8000, 0x1000, 16, 128
TAILS, TAIL_COUNT = 0x18000, 0x800
TAKEN_OVER = 1 << 63
HASH = 0x61C88647
PAGES, PAGES_TRIED, PAGES_APART = 0x10000, 32, 2533
TAIL_PAGE_BIT, TAIL_PAGES_APART = 40, 40503
KEPT = ("rbx", "rbp", "r12", "r13", "r14", "r15")


def words(address, count):
    data = gdb.selected_inferior().read_memory(address, 8 * count)
    return struct.unpack("<%dQ" % count, bytes(data))


def hashed(value):
    return value * HASH & 0xFFFFFFFF


def pools():
    pid = gdb.selected_inferior().pid
    with open("/proc/%d/maps" % pid) as maps:
        for line in maps:
            if "/memfd:graft-pool" in line:
                start, end = re.match("([0-9a-f]+)-([0-9a-f]+)", line).groups()
                yield int(start, 16), int(end, 16)


def table_set(table, count, word):
    """Keys and addresses of the slots that a stack word may be in."""
    place = table + (hashed(word) >> 16 & count * SLOT_BYTES - SET_BYTES)
    slots = words(place, SET_BYTES // 8)
    return list(zip(slots[::2], slots[1::2]))


def in_pages(runtime, word, tail):
    """What the word's page has for it, or 0: the page of what it held last, or of the tail of a number."""
    (pages,) = words(runtime + CONFIG_RETURN_PAGES, 1)
    page = word >> 12 | tail << TAIL_PAGE_BIT
    index = hashed(word >> 23) + (word >> 12) + tail * TAIL_PAGES_APART & PAGES - 1
    for _ in range(PAGES_TRIED if pages else 0):
        (key,) = words(pages + 8 * index, 1)
        if key == page:
            return words(pages + 8 * PAGES + 4096 * index + (word & 0xFF8), 1)[0]
        if key == 0:
            return 0
        index = index + PAGES_APART & PAGES - 1
    return 0


def original(start, word):
    """The return address that the stack word held before anything was wrapped, or 0."""
    runtime = start - RUNTIME_SIZE
    found = [address for key, address in table_set(runtime + SLOTS, SLOT_COUNT, word) if key == word]
    address = found[0] if found and found[0] else in_pages(runtime, word, 0)
    if address & TAKEN_OVER:
        first = [tail for key, tail in table_set(runtime + TAILS, TAIL_COUNT, word) if key == word + 1]
        address = first[0] if first else in_pages(runtime, word, 1)
    return address


class FrameId:
    """What gdb asks for: where the frame is."""

    def __init__(self, sp, pc):
        self.sp = gdb.Value(sp)
        self.pc = gdb.Value(pc)


class WrappedCall(gdb.unwinder.Unwinder):
    """The frame of a wrapped call's stub: the callers' registers are in it as they were when the function returned."""

    def __init__(self):
        super().__init__("graft wrapped calls")

    def __call__(self, frame):
        pc = int(frame.read_register("rip")) & (1 << 64) - 1
        for start, end in pools():
            if start <= pc < end:
                return self.unwind(frame, pc, start)
        return None

    def unwind(self, frame, pc, start):
        sp = int(frame.read_register("rsp")) & (1 << 64) - 1
        address = original(start, sp - 8)
        if address == 0:
            return None
        info = frame.create_unwind_info(FrameId(sp, pc))
        long = gdb.lookup_type("unsigned long")
        info.add_saved_register("rip", gdb.Value(address).cast(long))
        info.add_saved_register("rsp", gdb.Value(sp).cast(long))
        for name in KEPT:
            info.add_saved_register(name, frame.read_register(name))
        return info


gdb.unwinder.register_unwinder(None, WrappedCall(), replace=True)
gdb.invalidate_cached_frames()
