package graft.tests.fuzz;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfFormatException;
import graft.ebpf.btf.dwarf.DwarfTypes;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfFormatException;
import java.util.Optional;

/** Debug information: what comes out is BTF whose types can all be read. */
public final class DwarfFuzz {
    private static final int TYPES = 200;

    private DwarfFuzz() {}

    /** Jazzer's entry. */
    public static void fuzzerTestOneInput(byte[] input) {
        Outcome.valueOr(ElfFormatException.class, () -> {
            try (ElfFile file = ElfFile.of("input", input)) {
                types(file).ifPresent(btf -> {
                    for (int id = 0; id < Math.min(btf.count(), TYPES); id++) {
                        Outcome.says(btf.type(id).toString(), btf);
                    }
                });
            }
        });
    }

    private static Optional<Btf> types(ElfFile file) {
        try {
            return DwarfTypes.of(file);
        } catch (BtfFormatException refused) {
            Outcome.says(refused.getMessage(), refused);
            return Optional.empty();
        }
    }
}
