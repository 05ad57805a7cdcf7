package graft.platform.elf;

import graft.platform.address.ElfVirtualAddress;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Where the unwinder of C++, Rust and others may continue inside functions: read from {@code .eh_frame}, which names each
 * function's table in {@code .gcc_except_table}.
 */
final class LandingPads {
    private static final String TABLES = ".gcc_except_table";
    /** More than any linker makes, few enough that a bad file is noticed soon. */
    private static final int MAX_ENTRIES = 8_000_000;

    private final ElfFile file;
    private final ElfSection frames;
    private final DwarfCursor table;
    private final TreeSet<Long> pads = new TreeSet<>();
    private int entries;

    private LandingPads(ElfFile file, ElfSection frames, ElfSection tables) {
        this.file = file;
        this.frames = frames;
        this.table = new DwarfCursor(file, tables);
    }

    static List<ElfVirtualAddress> of(ElfFile file) {
        Optional<ElfSection> tables = file.section(TABLES);
        if (tables.isEmpty()) {
            return List.of();
        }
        ElfSection frames = file.section(ExceptionFrames.SECTION)
                .orElseThrow(
                        () -> file.bad(tables.get(), "there is no " + ExceptionFrames.SECTION + " that leads to it"));
        LandingPads reader = new LandingPads(file, frames, tables.get());
        for (ExceptionFrames.Function function : ExceptionFrames.of(file, frames)) {
            if (function.table() != 0 && reader.table.holds(function.table())) {
                reader.table.seek(function.table());
                reader.readTable(function.start());
            }
        }
        return reader.pads.stream().map(ElfVirtualAddress::new).toList();
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
