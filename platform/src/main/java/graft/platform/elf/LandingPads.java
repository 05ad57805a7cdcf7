package graft.platform.elf;

import graft.platform.address.ElfVirtualAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Where the unwinder of C++, Rust and others may continue inside functions: read from {@code .eh_frame}, which names each
 * function's table in {@code .gcc_except_table}.
 */
final class LandingPads {
    private static final String FRAMES = ".eh_frame";
    private static final String TABLES = ".gcc_except_table";
    private static final long WIDE = 0xffffffffL;
    /** More than any linker makes, few enough that a bad file is noticed soon. */
    private static final int MAX_ENTRIES = 8_000_000;

    private final ElfFile file;
    private final ElfSection frames;
    private final DwarfCursor frame;
    private final DwarfCursor table;
    private final Map<Long, Common> commons = new HashMap<>();
    private final TreeSet<Long> pads = new TreeSet<>();
    private int entries;

    /** What the functions of one common entry share. */
    private record Common(boolean augmented, int tableEncoding, int codeEncoding) {}

    private LandingPads(ElfFile file, ElfSection frames, ElfSection tables) {
        this.file = file;
        this.frames = frames;
        this.frame = new DwarfCursor(file, frames);
        this.table = new DwarfCursor(file, tables);
    }

    static List<ElfVirtualAddress> of(ElfFile file) {
        Optional<ElfSection> tables = file.section(TABLES);
        if (tables.isEmpty()) {
            return List.of();
        }
        ElfSection frames = file.section(FRAMES)
                .orElseThrow(() -> file.bad(tables.get(), "there is no " + FRAMES + " that leads to it"));
        LandingPads reader = new LandingPads(file, frames, tables.get());
        reader.readFrames();
        return reader.pads.stream().map(ElfVirtualAddress::new).toList();
    }

    private void readFrames() {
        while (frame.left() >= 4) {
            long length = frame.u32();
            if (length == 0) {
                return;
            }
            if (length == WIDE) {
                length = frame.u64();
            }
            long start = frame.address();
            if (length < 4 || length > frame.left()) {
                throw file.bad(frames, "an entry of %d bytes".formatted(length));
            }
            long commonDistance = frame.u32();
            if (commonDistance != 0) {
                readFunction(common(start - commonDistance));
            }
            frame.seek(start + length);
        }
    }

    /** The common entry at {@code address}; leaves the cursor where it is. */
    private Common common(long address) {
        Common known = commons.get(address);
        if (known == null) {
            long here = frame.address();
            frame.seek(address);
            known = readCommon();
            frame.seek(here);
            commons.put(address, known);
        }
        return known;
    }

    private Common readCommon() {
        if (frame.u32() == WIDE) {
            frame.u64();
        }
        if (frame.u32() != 0) {
            throw file.bad(frames, "a function's entry leads to no common entry");
        }
        int version = frame.u8();
        String augmentation = frame.text();
        if (version >= 4) {
            frame.u8();
            frame.u8();
        }
        frame.uleb();
        frame.sleb();
        frame.uleb();
        if (!augmentation.startsWith("z")) {
            return new Common(false, DwarfCursor.OMIT, 0);
        }
        frame.uleb();
        int tableEncoding = DwarfCursor.OMIT;
        int codeEncoding = 0;
        for (char letter : augmentation.substring(1).toCharArray()) {
            switch (letter) {
                case 'L' -> tableEncoding = frame.u8();
                case 'R' -> codeEncoding = frame.u8();
                case 'P' -> frame.skipPointer(frame.u8());
                case 'S', 'B', 'G' -> {
                    // Marks without a value.
                }
                default -> throw file.bad(frames, "unknown augmentation " + augmentation);
            }
        }
        return new Common(true, tableEncoding, codeEncoding);
    }

    private void readFunction(Common common) {
        if (!common.augmented() || common.tableEncoding() == DwarfCursor.OMIT) {
            return;
        }
        long start = frame.pointer(common.codeEncoding());
        frame.value(common.codeEncoding());
        frame.uleb();
        long address = frame.pointer(common.tableEncoding());
        if (address != 0 && table.holds(address)) {
            table.seek(address);
            readTable(start);
        }
    }

    private void readTable(long function) {
        int baseEncoding = table.u8();
        long base = baseEncoding == DwarfCursor.OMIT ? function : table.pointer(baseEncoding);
        if (table.u8() != DwarfCursor.OMIT) {
            table.uleb();
        }
        int encoding = table.u8();
        long length = table.uleb();
        long end = table.address() + length;
        while (table.address() < end) {
            table.value(encoding);
            table.value(encoding);
            long pad = table.value(encoding);
            table.uleb();
            if (pad != 0) {
                pads.add(base + pad);
            }
            if (++entries > MAX_ENTRIES) {
                throw file.bad(frames, "more than %d exception table entries".formatted(MAX_ENTRIES));
            }
        }
    }
}
