"""Writes the eBPF objects that programs carry inside: embedded.py OUT_FOLDER PROGRAM..."""
import os
import struct
import sys

BPF = 247
HEADER = b"\x7fELF\x02\x01\x01"


def objects(data):
    at = data.find(HEADER, 1)
    while at >= 0:
        header = data[at : at + 64]
        if len(header) == 64 and struct.unpack_from("<HH", header, 16) == (1, BPF):
            table, = struct.unpack_from("<Q", header, 40)
            size, count = struct.unpack_from("<HH", header, 58)
            yield data[at : at + table + size * count]
        at = data.find(HEADER, at + 1)


def main(out, programs):
    found = 0
    for program in sorted(programs):
        if os.path.islink(program):
            continue
        with open(program, "rb") as file:
            data = file.read()
        for number, one in enumerate(objects(data)):
            suffix = f"-{number}" if number else ""
            with open(os.path.join(out, os.path.basename(program) + suffix + ".o"), "wb") as file:
                file.write(one)
            found += 1
    return found


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1], sys.argv[2:]) else 1)
