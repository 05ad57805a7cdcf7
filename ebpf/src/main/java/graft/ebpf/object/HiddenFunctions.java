package graft.ebpf.object;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfSymbol;
import graft.platform.elf.SymbolTable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Functions that other objects do not see, such as those of {@code usdt.bpf.h}. Their types call them global, which would
 * have them verified alone, for any arguments; libbpf makes them static, so that they are verified where they are called.
 */
final class HiddenFunctions {
    private static final int HEADER_LENGTH_AT = 4;
    private static final int TYPES_AT = 8;
    private static final int INFO_AT = 4;
    private static final int LINKAGE_BITS = 0xffff;

    private HiddenFunctions() {}

    /** The types with hidden functions as static ones. */
    static byte[] asStatic(byte[] types, ElfFile elf) {
        Set<String> hidden = elf.symbols(SymbolTable.STATIC).stream()
                .filter(symbol -> symbol.isDefined() && symbol.type() == ElfSymbol.Type.FUNCTION)
                .filter(symbol -> symbol.visibility() == ElfSymbol.Visibility.HIDDEN
                        || symbol.visibility() == ElfSymbol.Visibility.INTERNAL)
                .map(ElfSymbol::name)
                .collect(Collectors.toSet());
        if (hidden.isEmpty()) {
            return types;
        }
        Btf parsed = Btf.parse(types);
        byte[] changed = types.clone();
        ByteBuffer bytes = ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN);
        int at = firstType(bytes);
        for (int id = 1; id < parsed.count(); id++) {
            if (parsed.type(id) instanceof BtfType.Function function && hidden.contains(function.name())) {
                bytes.putInt(at + INFO_AT, bytes.getInt(at + INFO_AT) & ~LINKAGE_BITS);
            }
            at = nextType(bytes, at);
        }
        return changed;
    }

    /** Where type 1 begins in raw types. */
    static int firstType(ByteBuffer bytes) {
        return bytes.getInt(HEADER_LENGTH_AT) + bytes.getInt(TYPES_AT);
    }

    /** Where the type behind the one at {@code at} begins. */
    static int nextType(ByteBuffer bytes, int at) {
        return at + bytes(bytes.getInt(at + INFO_AT));
    }

    /** How long a type is, by its kind and its number of parts. */
    private static int bytes(int info) {
        int parts = info & LINKAGE_BITS;
        return 12
                + switch (info >>> 24 & 0x1f) {
                    case 1, 14, 17 -> 4;
                    case 3 -> 12;
                    case 4, 5, 15, 19 -> 12 * parts;
                    case 6, 13 -> 8 * parts;
                    default -> 0;
                };
    }
}
