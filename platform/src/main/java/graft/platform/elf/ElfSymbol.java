package graft.platform.elf;

import graft.platform.address.ElfVirtualAddress;
import java.util.Optional;

/**
 * One symbol.
 *
 * @param index its number in its table
 * @param name without version: {@code SSL_write}
 * @param version the version: {@code OPENSSL_3.0.0}
 * @param isDefault whether an unversioned reference means this version ({@code @@}); true without version
 * @param value an address, or an offset in its section in object files
 * @param size bytes, 0 if unknown
 * @param section {@code st_shndx}, resolved when extended; {@link #UNDEFINED} or {@link #ABSOLUTE} or a section number
 */
public record ElfSymbol(
        int index,
        String name,
        Optional<String> version,
        boolean isDefault,
        ElfVirtualAddress value,
        long size,
        Type type,
        Binding binding,
        Visibility visibility,
        int section) {
    /** {@code SHN_UNDEF}: defined elsewhere. */
    public static final int UNDEFINED = 0;

    /** {@code SHN_ABS}: not relative to any section. */
    public static final int ABSOLUTE = 0xfff1;

    /** {@code SHN_COMMON}. */
    public static final int COMMON = 0xfff2;

    /** What the symbol stands for. */
    public enum Type {
        NONE,
        OBJECT,
        FUNCTION,
        SECTION,
        FILE,
        COMMON,
        THREAD_LOCAL,
        /** {@code STT_GNU_IFUNC}: the value is a resolver that returns the function's address at load. */
        INDIRECT_FUNCTION,
        OTHER;

        static Type of(int number) {
            return switch (number) {
                case 0 -> NONE;
                case 1 -> OBJECT;
                case 2 -> FUNCTION;
                case 3 -> SECTION;
                case 4 -> FILE;
                case 5 -> COMMON;
                case 6 -> THREAD_LOCAL;
                case 10 -> INDIRECT_FUNCTION;
                default -> OTHER;
            };
        }
    }

    /** Who can see the symbol at link time. */
    public enum Binding {
        LOCAL,
        GLOBAL,
        WEAK,
        UNIQUE,
        OTHER;

        static Binding of(int number) {
            return switch (number) {
                case 0 -> LOCAL;
                case 1 -> GLOBAL;
                case 2 -> WEAK;
                case 10 -> UNIQUE;
                default -> OTHER;
            };
        }
    }

    /** Who can see the symbol at run time. */
    public enum Visibility {
        DEFAULT,
        INTERNAL,
        HIDDEN,
        PROTECTED;

        static Visibility of(int other) {
            return values()[other & 3];
        }
    }

    /** Whether this file defines it. */
    public boolean isDefined() {
        return section != UNDEFINED;
    }

    /** Whether this file defines it and it is code, directly or through a resolver. */
    public boolean isDefinedFunction() {
        return isDefined() && (type == Type.FUNCTION || type == Type.INDIRECT_FUNCTION);
    }

    /** {@code SSL_write@@OPENSSL_3.0.0}, as tools print it. */
    public String versionedName() {
        return version.map(text -> name + (isDefault ? "@@" : "@") + text).orElse(name);
    }
}
