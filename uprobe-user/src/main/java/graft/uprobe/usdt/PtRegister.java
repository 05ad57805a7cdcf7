package graft.uprobe.usdt;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** A general register, by its place in {@code struct pt_regs}. */
public enum PtRegister {
    R15,
    R14,
    R13,
    R12,
    RBP("ebp", "bp", "bpl"),
    RBX("ebx", "bx", "bl"),
    R11,
    R10,
    R9,
    R8,
    RAX("eax", "ax", "al"),
    RCX("ecx", "cx", "cl"),
    RDX("edx", "dx", "dl"),
    RSI("esi", "si", "sil"),
    RDI("edi", "di", "dil"),
    ORIG_RAX,
    RIP("eip"),
    CS,
    EFLAGS,
    RSP("esp", "sp", "spl");

    private static final Map<String, PtRegister> BY_NAME = new HashMap<>();

    static {
        for (PtRegister register : values()) {
            String name = register.name().toLowerCase(java.util.Locale.ROOT);
            BY_NAME.put(name, register);
            if (name.matches("r\\d+")) {
                BY_NAME.put(name + "d", register);
                BY_NAME.put(name + "w", register);
                BY_NAME.put(name + "b", register);
            }
            for (String part : register.parts) {
                BY_NAME.put(part, register);
            }
        }
    }

    private final String[] parts;

    PtRegister(String... parts) {
        this.parts = parts;
    }

    /** The register whose lowest bytes an assembler calls {@code name}. */
    static Optional<PtRegister> named(String name) {
        return Optional.ofNullable(BY_NAME.get(name)).filter(register -> switch (register) {
            case ORIG_RAX, CS, EFLAGS -> false;
            case R15, R14, R13, R12, RBP, RBX, R11, R10, R9, R8, RAX, RCX, RDX, RSI, RDI, RIP, RSP -> true;
        });
    }

    /** Its offset in {@code struct pt_regs}. */
    int offset() {
        return ordinal() * Long.BYTES;
    }
}
