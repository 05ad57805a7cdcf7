package graft.tests.fuzz;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What can be fuzzed. */
enum FuzzTarget {
    /** ELF files. */
    ELF(ElfFuzz.class),
    /** eBPF objects, with BTF, .BTF.ext and CO-RE. */
    OBJECT(ObjectFuzz.class),
    /** Type information alone. */
    BTF(BtfFuzz.class),
    /** Debug information of programs. */
    DWARF(DwarfFuzz.class),
    /** eBPF bytecode. */
    BYTECODE(BytecodeFuzz.class),
    /** Programs for verifier and compiler. */
    VERIFIER(VerifierFuzz.class),
    /** x86-64 machine code. */
    X86(X86Fuzz.class),
    /** Map memory that a target has written over. */
    MAP(MapFuzz.class);

    private final Class<?> entry;

    FuzzTarget(Class<?> entry) {
        this.entry = entry;
    }

    /** The class with Jazzer's entry. */
    String className() {
        return entry.getName();
    }

    /** The word for the command line and for folders. */
    String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Optional<FuzzTarget> named(String label) {
        return Arrays.stream(values())
                .filter(target -> target.label().equals(label))
                .findFirst();
    }

    static List<String> labels() {
        return Arrays.stream(values()).map(FuzzTarget::label).toList();
    }

    /** One input. Returns normally, or throws a finding. */
    void run(byte[] input) {
        switch (this) {
            case ELF -> ElfFuzz.fuzzerTestOneInput(input);
            case OBJECT -> ObjectFuzz.fuzzerTestOneInput(input);
            case BTF -> BtfFuzz.fuzzerTestOneInput(input);
            case DWARF -> DwarfFuzz.fuzzerTestOneInput(input);
            case BYTECODE -> BytecodeFuzz.fuzzerTestOneInput(input);
            case VERIFIER -> VerifierFuzz.fuzzerTestOneInput(input);
            case X86 -> X86Fuzz.fuzzerTestOneInput(input);
            case MAP -> MapFuzz.fuzzerTestOneInput(input);
        }
    }
}
