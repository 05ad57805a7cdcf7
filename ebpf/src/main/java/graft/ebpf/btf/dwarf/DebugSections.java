package graft.ebpf.btf.dwarf;

import graft.ebpf.btf.BtfFormatException;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfSection;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/** The sections that describe types; unpacked where they are compressed. */
record DebugSections(Bytes info, Bytes abbreviations, Bytes strings, Bytes lineStrings, Bytes stringOffsets) {
    private static final long COMPRESSED = 0x800;
    private static final int COMPRESSION_HEADER = 24;
    private static final int ZLIB = 1;
    private static final long MOST = 1L << 30;

    static Optional<DebugSections> of(ElfFile elf) {
        return elf.section(".debug_info")
                .filter(section -> section.type() != ElfSection.NOBITS && section.size() > 0)
                .map(_ -> new DebugSections(
                        bytes(elf, ".debug_info"),
                        bytes(elf, ".debug_abbrev"),
                        bytes(elf, ".debug_str"),
                        bytes(elf, ".debug_line_str"),
                        bytes(elf, ".debug_str_offsets")));
    }

    /** A section of the file; empty when it has none. */
    static Bytes bytes(ElfFile elf, String name) {
        return new Bytes(
                name, elf.section(name).map(section -> content(elf, section)).orElse(new byte[0]));
    }

    private static byte[] content(ElfFile elf, ElfSection section) {
        byte[] raw = elf.content(section);
        return (section.flags() & COMPRESSED) == 0 ? raw : unpacked(section.name(), raw);
    }

    private static byte[] unpacked(String name, byte[] raw) {
        ByteBuffer header = ByteBuffer.wrap(raw).order(ByteOrder.LITTLE_ENDIAN);
        if (raw.length < COMPRESSION_HEADER || header.getInt(0) != ZLIB) {
            throw new BtfFormatException(name + " is compressed in a way that is not known");
        }
        long size = header.getLong(8);
        if (size < 0 || size > MOST || size > 1100L * raw.length) {
            throw new BtfFormatException("%s: %d bytes when unpacked".formatted(name, size));
        }
        Inflater inflater = new Inflater();
        try {
            inflater.setInput(raw, COMPRESSION_HEADER, raw.length - COMPRESSION_HEADER);
            byte[] all = new byte[(int) size];
            int done = 0;
            while (done < all.length && !inflater.finished()) {
                int more = inflater.inflate(all, done, all.length - done);
                if (more == 0) {
                    break;
                }
                done += more;
            }
            return Arrays.copyOf(all, done);
        } catch (DataFormatException e) {
            throw new BtfFormatException(name + ": " + e.getMessage());
        } finally {
            inflater.end();
        }
    }
}
