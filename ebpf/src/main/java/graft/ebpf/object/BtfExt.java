package graft.ebpf.object;

import graft.ebpf.btf.Btf;
import graft.platform.elf.ElfFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/** The records of {@code .BTF.ext}, by section name and byte offset in it. */
record BtfExt(
        Map<String, TreeMap<Integer, Line>> lines,
        Map<String, TreeMap<Integer, Integer>> functions,
        Map<String, TreeMap<Integer, Core>> cores) {
    /** A source position. */
    record Line(int file, int text, int line) {}

    /** A CO-RE relocation. */
    record Core(int type, String access, int kind) {}

    static BtfExt none() {
        return new BtfExt(Map.of(), Map.of(), Map.of());
    }

    static BtfExt read(ElfFile elf, Btf btf) {
        return elf.section(".BTF.ext")
                .map(section ->
                        new Reader(btf, ByteBuffer.wrap(elf.content(section)).order(ByteOrder.LITTLE_ENDIAN)).read())
                .orElseGet(BtfExt::none);
    }

    private record Reader(Btf btf, ByteBuffer b) {
        private interface Sink {
            void accept(String section, int offset, int at);
        }

        BtfExt read() {
            check(0, 24);
            Map<String, TreeMap<Integer, Line>> lines = new HashMap<>();
            Map<String, TreeMap<Integer, Integer>> functions = new HashMap<>();
            Map<String, TreeMap<Integer, Core>> cores = new HashMap<>();
            part(
                    8,
                    8,
                    (section, offset, at) -> functions
                            .computeIfAbsent(section, _ -> new TreeMap<>())
                            .put(offset, b.getInt(at + 4)));
            part(
                    16,
                    16,
                    (section, offset, at) -> lines.computeIfAbsent(section, _ -> new TreeMap<>())
                            .put(offset, new Line(b.getInt(at + 4), b.getInt(at + 8), b.getInt(at + 12) >>> 10)));
            if (b.getInt(4) >= 32) {
                check(0, 32);
                part(
                        24,
                        16,
                        (section, offset, at) -> cores.computeIfAbsent(section, _ -> new TreeMap<>())
                                .put(
                                        offset,
                                        new Core(b.getInt(at + 4), btf.string(b.getInt(at + 8)), b.getInt(at + 12))));
            }
            return new BtfExt(lines, functions, cores);
        }

        /** One part: record size, then for each section its name, a count, and the records. */
        private void part(int field, int least, Sink sink) {
            long at = Integer.toUnsignedLong(b.getInt(4)) + Integer.toUnsignedLong(b.getInt(field));
            long end = at + Integer.toUnsignedLong(b.getInt(field + 4));
            if (end == at) {
                return;
            }
            check(at, 4);
            long size = Integer.toUnsignedLong(b.getInt((int) at));
            if (end > b.limit() || size < least || size > 4096) {
                throw bad("a part of %d-byte records ends at %d of %d".formatted(size, end, b.limit()));
            }
            at += 4;
            while (at < end) {
                check(at, 8);
                String section = btf.string(b.getInt((int) at));
                long count = Integer.toUnsignedLong(b.getInt((int) at + 4));
                at += 8;
                for (long i = 0; i < count; i++, at += size) {
                    check(at, size);
                    sink.accept(section, b.getInt((int) at), (int) at);
                }
            }
        }

        private void check(long at, long bytes) {
            if (at + bytes > b.limit()) {
                throw bad("record at %d of %d bytes".formatted(at, b.limit()));
            }
        }

        private static RefusedException bad(String why) {
            return new RefusedException(LoadResult.Reason.BAD_BTF, ".BTF.ext", why, "compile the object again");
        }
    }
}
