package graft.platform.elf;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.FileOffset;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Reads the file header and the two header tables. */
record ElfHeaders(ElfHeader header, List<ElfSection> sections, List<ElfSegment> segments) {
    private static final int HEADER_BYTES = 64;
    private static final int SECTION_BYTES = 64;
    private static final int SEGMENT_BYTES = 56;
    private static final int EXTENDED_SEGMENT_COUNT = 0xffff;
    private static final int EXTENDED_INDEX = 0xffff;

    static ElfHeaders read(ByteSource source) {
        if (source.size() < HEADER_BYTES) {
            throw new ElfFormatException(source.name(), 0, "%d bytes are too few for ELF".formatted(source.size()));
        }
        ByteBuffer h = source.read(0, HEADER_BYTES);
        checkIdentity(source, h);
        ElfHeader header = new ElfHeader(
                Short.toUnsignedInt(h.getShort(16)),
                Short.toUnsignedInt(h.getShort(18)),
                new ElfVirtualAddress(h.getLong(24)));
        List<RawSection> raw = rawSections(source, h);
        List<ElfSection> sections = named(source, raw, Short.toUnsignedInt(h.getShort(62)));
        return new ElfHeaders(header, sections, segments(source, h, raw));
    }

    private static void checkIdentity(ByteSource source, ByteBuffer h) {
        if (h.getInt(0) != 0x464c457f) {
            throw new ElfFormatException(source.name(), 0, "not an ELF file");
        }
        if (h.get(4) != 2) {
            throw new ElfFormatException(source.name(), 4, "not a 64-bit ELF file");
        }
        if (h.get(5) != 1) {
            throw new ElfFormatException(source.name(), 5, "not a little-endian ELF file");
        }
        if (h.get(6) != 1) {
            throw new ElfFormatException(source.name(), 6, "unknown ELF version " + h.get(6));
        }
    }

    private static List<RawSection> rawSections(ByteSource source, ByteBuffer h) {
        long table = h.getLong(40);
        if (table == 0) {
            return List.of();
        }
        if (Short.toUnsignedInt(h.getShort(58)) != SECTION_BYTES) {
            throw new ElfFormatException(source.name(), 58, "section headers of " + h.getShort(58) + " bytes");
        }
        long count = Short.toUnsignedInt(h.getShort(60));
        if (count == 0) {
            count = RawSection.read(source.read(table, SECTION_BYTES), 0).size;
        }
        checkCount(source, count, SECTION_BYTES, 60);
        ByteBuffer bytes = source.read(table, count * SECTION_BYTES);
        List<RawSection> sections = new ArrayList<>((int) count);
        for (int i = 0; i < count; i++) {
            sections.add(RawSection.read(bytes, i * SECTION_BYTES));
        }
        return sections;
    }

    private static void checkCount(ByteSource source, long count, int bytesEach, long position) {
        if (count < 0 || count > source.size() / bytesEach) {
            throw new ElfFormatException(source.name(), position, count + " headers do not fit into the file");
        }
    }

    private static List<ElfSection> named(ByteSource source, List<RawSection> raw, int namesIndex) {
        int index = namesIndex == EXTENDED_INDEX && !raw.isEmpty() ? raw.getFirst().link : namesIndex;
        StringTable names = new StringTable(source.name(), 0, ByteBuffer.allocate(0));
        if (index != 0) {
            if (index < 0 || index >= raw.size()) {
                throw new ElfFormatException(source.name(), 62, "no section " + index + " for section names");
            }
            RawSection table = raw.get(index);
            names = new StringTable(source.name(), table.offset, source.read(table.offset, table.size));
        }
        List<ElfSection> sections = new ArrayList<>(raw.size());
        for (RawSection section : raw) {
            sections.add(section.named(sections.size(), index == 0 ? "" : names.at(section.name)));
        }
        return List.copyOf(sections);
    }

    private static List<ElfSegment> segments(ByteSource source, ByteBuffer h, List<RawSection> sections) {
        long table = h.getLong(32);
        long count = Short.toUnsignedInt(h.getShort(56));
        if (count == EXTENDED_SEGMENT_COUNT && !sections.isEmpty()) {
            count = Integer.toUnsignedLong(sections.getFirst().info);
        }
        if (count == 0) {
            return List.of();
        }
        if (Short.toUnsignedInt(h.getShort(54)) != SEGMENT_BYTES) {
            throw new ElfFormatException(source.name(), 54, "program headers of " + h.getShort(54) + " bytes");
        }
        checkCount(source, count, SEGMENT_BYTES, 56);
        ByteBuffer bytes = source.read(table, count * SEGMENT_BYTES);
        List<ElfSegment> segments = new ArrayList<>((int) count);
        for (int i = 0; i < count; i++) {
            int at = i * SEGMENT_BYTES;
            segments.add(new ElfSegment(
                    bytes.getInt(at),
                    bytes.getInt(at + 4),
                    new FileOffset(bytes.getLong(at + 8)),
                    new ElfVirtualAddress(bytes.getLong(at + 16)),
                    bytes.getLong(at + 32),
                    bytes.getLong(at + 40),
                    bytes.getLong(at + 48)));
        }
        return List.copyOf(segments);
    }

    /** A section header before its name is known. */
    private record RawSection(
            long name,
            int type,
            long flags,
            long address,
            long offset,
            long size,
            int link,
            int info,
            long alignment,
            long entrySize) {
        static RawSection read(ByteBuffer b, int at) {
            return new RawSection(
                    Integer.toUnsignedLong(b.getInt(at)),
                    b.getInt(at + 4),
                    b.getLong(at + 8),
                    b.getLong(at + 16),
                    b.getLong(at + 24),
                    b.getLong(at + 32),
                    b.getInt(at + 40),
                    b.getInt(at + 44),
                    b.getLong(at + 48),
                    b.getLong(at + 56));
        }

        ElfSection named(int index, String text) {
            return new ElfSection(
                    index,
                    text,
                    type,
                    flags,
                    new ElfVirtualAddress(address),
                    new FileOffset(offset),
                    size,
                    link,
                    info,
                    alignment,
                    entrySize);
        }
    }
}
