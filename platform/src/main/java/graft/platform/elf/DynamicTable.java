package graft.platform.elf;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.FileOffset;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the dynamic linker is told.
 *
 * @param needed libraries, in order
 * @param soname the library's own name
 * @param runPath {@code RUNPATH}, or {@code RPATH} where there is none
 */
public record DynamicTable(List<String> needed, Optional<String> soname, Optional<String> runPath) {
    static final DynamicTable NONE = new DynamicTable(List.of(), Optional.empty(), Optional.empty());

    private static final int ENTRY_BYTES = 16;
    private static final int NEEDED = 1;
    private static final int STRTAB = 5;
    private static final int STRSZ = 10;
    private static final int SONAME = 14;
    private static final int RPATH = 15;
    private static final int RUNPATH = 29;

    static DynamicTable read(ElfFile file, ElfSegment segment) {
        ByteBuffer entries = file.source().read(segment.offset().value(), segment.fileSize());
        Optional<Long> address = first(entries, STRTAB);
        Optional<FileOffset> offset = address.flatMap(value -> file.fileOffset(new ElfVirtualAddress(value)));
        if (offset.isEmpty()) {
            return NONE;
        }
        long position = offset.get().value();
        StringTable strings = new StringTable(
                file.name(),
                position,
                file.source().read(position, first(entries, STRSZ).orElse(0L)));
        List<String> needed = new ArrayList<>();
        for (long value : all(entries, NEEDED)) {
            needed.add(strings.at(value));
        }
        return new DynamicTable(
                List.copyOf(needed),
                first(entries, SONAME).map(strings::at),
                first(entries, RUNPATH).or(() -> first(entries, RPATH)).map(strings::at));
    }

    private static Optional<Long> first(ByteBuffer entries, long tag) {
        return all(entries, tag).stream().findFirst();
    }

    private static List<Long> all(ByteBuffer entries, long tag) {
        List<Long> values = new ArrayList<>();
        for (int at = 0; at + ENTRY_BYTES <= entries.limit() && entries.getLong(at) != 0; at += ENTRY_BYTES) {
            if (entries.getLong(at) == tag) {
                values.add(entries.getLong(at + 8));
            }
        }
        return values;
    }
}
