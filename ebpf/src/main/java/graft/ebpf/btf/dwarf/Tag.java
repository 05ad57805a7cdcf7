package graft.ebpf.btf.dwarf;

/** Kinds of entries, by DWARF's numbers. */
final class Tag {
    static final int ARRAY = 0x01;
    static final int CLASS = 0x02;
    static final int ENUMERATION = 0x04;
    static final int PARAMETER = 0x05;
    static final int MEMBER = 0x0d;
    static final int POINTER = 0x0f;
    static final int REFERENCE = 0x10;
    static final int STRUCTURE = 0x13;
    static final int FUNCTION_TYPE = 0x15;
    static final int TYPEDEF = 0x16;
    static final int UNION = 0x17;
    static final int INHERITANCE = 0x1c;
    static final int SUBRANGE = 0x21;
    static final int BASE = 0x24;
    static final int CONST = 0x26;
    static final int ENUMERATOR = 0x28;
    static final int VOLATILE = 0x35;
    static final int RESTRICT = 0x37;
    static final int RVALUE_REFERENCE = 0x42;
    static final int ATOMIC = 0x47;

    private Tag() {}

    /** Whether an entry is a type. */
    static boolean isType(int tag) {
        return switch (tag) {
            case ARRAY,
                    CLASS,
                    ENUMERATION,
                    POINTER,
                    REFERENCE,
                    STRUCTURE,
                    FUNCTION_TYPE,
                    TYPEDEF,
                    UNION,
                    BASE,
                    CONST,
                    VOLATILE,
                    RESTRICT,
                    RVALUE_REFERENCE,
                    ATOMIC -> true;
            default -> false;
        };
    }

    /** Whether an entry is a part of the type around it. */
    static boolean isPart(int tag) {
        return tag == PARAMETER || tag == MEMBER || tag == INHERITANCE || tag == SUBRANGE || tag == ENUMERATOR;
    }
}
