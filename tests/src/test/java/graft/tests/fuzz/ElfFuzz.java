package graft.tests.fuzz;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.FileOffset;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfFormatException;
import graft.platform.elf.ElfSection;
import graft.platform.elf.ElfSegment;
import graft.platform.elf.SymbolTable;
import graft.platform.elf.UnwindTable;

/** ELF files: every reader of {@link ElfFile}. */
public final class ElfFuzz {
    private ElfFuzz() {}

    /** Jazzer's entry. */
    public static void fuzzerTestOneInput(byte[] input) {
        Outcome.valueOr(ElfFormatException.class, () -> {
            try (ElfFile file = ElfFile.of("input", input)) {
                readEverything(file);
            }
        });
    }

    private static void readEverything(ElfFile file) {
        each(file::dynamic);
        each(file::interpreter);
        each(file::buildId);
        each(file::debugLink);
        each(file::landingPads);
        each(() -> UnwindTable.of(file));
        for (SymbolTable table : SymbolTable.values()) {
            each(() -> file.symbols(table).forEach(symbol -> Outcome.says(symbol.toString(), file)));
        }
        each(() -> file.functions().all().forEach(function -> {
            file.functions().named(function.name());
            file.functions().containing(function.value());
        }));
        // Many headers may name the same bytes: what is read is bounded by what a caller asks for.
        for (ElfSection section : file.sections().stream().limit(64).toList()) {
            each(() -> file.content(section));
            each(() -> file.relocations(section));
            each(() -> file.packedRelocations(section));
        }
        for (ElfSegment segment : file.segments().stream().limit(64).toList()) {
            each(() -> file.bytesAt(segment.address(), 16));
            each(() -> file.fileOffset(new ElfVirtualAddress(segment.address().value() + 1)));
            each(() -> file.virtualAddress(new FileOffset(segment.offset().value())));
        }
    }

    /** One damaged part must not keep the others from being looked at. */
    private static void each(Runnable part) {
        Outcome.valueOr(ElfFormatException.class, part);
    }
}
