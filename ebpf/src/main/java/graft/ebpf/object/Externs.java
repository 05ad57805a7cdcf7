package graft.ebpf.object;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import graft.ebpf.insn.Wide;
import graft.platform.elf.ElfSymbol;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Variables that the object expects from outside: settings of the kernel's build ({@code .kconfig}) and its symbols. */
final class Externs {
    static final String CONFIG = ".kconfig";
    private static final String SYMBOLS = ".ksyms";
    private static final int MAX_DATA = 1 << 16;

    private final Optional<Btf> types;
    private final KernelFacts kernel;
    private final Map<String, Integer> offsets = new HashMap<>();
    private final Map<String, Integer> symbols = new HashMap<>();
    private byte[] data = new byte[0];
    private OptionalInt section = OptionalInt.empty();
    private Optional<Map<String, String>> settings = Optional.empty();

    Externs(Optional<Btf> types, KernelFacts kernel, Iterable<ElfSymbol> defined) {
        this.types = types;
        this.kernel = kernel;
        types.ifPresent(btf -> read(btf, weak(defined)));
    }

    private static Map<String, Boolean> weak(Iterable<ElfSymbol> symbols) {
        Map<String, Boolean> weak = new HashMap<>();
        symbols.forEach(symbol -> weak.put(symbol.name(), symbol.binding() == ElfSymbol.Binding.WEAK));
        return weak;
    }

    private void read(Btf btf, Map<String, Boolean> weak) {
        btf.named(SYMBOLS).forEach(id -> {
            if (btf.type(id) instanceof BtfType.DataSection symbolsSection) {
                symbolsSection
                        .places()
                        .forEach(place -> symbols.put(btf.type(place.variable()).typeName(), place.variable()));
            }
        });
        for (int id : btf.named(CONFIG)) {
            if (btf.type(id) instanceof BtfType.DataSection values) {
                section = OptionalInt.of(id);
                layOut(btf, values);
                ByteBuffer content = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
                for (BtfType.Place place : values.places()) {
                    BtfType.Variable variable = (BtfType.Variable) btf.type(place.variable());
                    put(btf, variable, content, weak.getOrDefault(variable.name(), false));
                }
            }
        }
    }

    private void layOut(Btf btf, BtfType.DataSection values) {
        int end = 0;
        for (BtfType.Place place : values.places()) {
            if (!(btf.type(place.variable()) instanceof BtfType.Variable variable)) {
                throw bad(CONFIG, "something is not a variable");
            }
            int size = (int) btf.size(variable.type());
            int align = Math.max(1, Math.min(8, Integer.highestOneBit(Math.max(1, elementSize(btf, variable.type())))));
            end = (end + align - 1) / align * align;
            offsets.put(variable.name(), end);
            end += size;
            if (end > MAX_DATA) {
                throw bad(CONFIG, "settings of more than " + MAX_DATA + " bytes");
            }
        }
        data = new byte[Math.max(end, 1)];
    }

    private static int elementSize(Btf btf, int type) {
        return btf.resolved(type) instanceof BtfType.Array array
                ? (int) btf.size(array.element())
                : (int) btf.size(type);
    }

    private void put(Btf btf, BtfType.Variable variable, ByteBuffer content, boolean weak) {
        String name = variable.name();
        int at = offsets.get(name);
        int size = (int) btf.size(variable.type());
        switch (name) {
            case "LINUX_KERNEL_VERSION" -> {
                if (kernel.version() == 0) {
                    throw bad(name, "the kernel's version is not known here");
                }
                number(content, at, size, kernel.version());
            }
            case "LINUX_HAS_BPF_COOKIE", "LINUX_HAS_SYSCALL_WRAPPER" -> number(content, at, size, 1);
            default -> {
                Optional<String> value = Optional.ofNullable(settings().get(name));
                if (value.isEmpty() && !weak) {
                    throw bad(name, "the kernel's configuration does not say");
                }
                value.ifPresent(text -> setting(btf, variable, content, text));
            }
        }
    }

    private void setting(Btf btf, BtfType.Variable variable, ByteBuffer content, String text) {
        int at = offsets.get(variable.name());
        int size = (int) btf.size(variable.type());
        boolean isLetter = text.equals("y") || text.equals("n") || text.equals("m");
        switch (btf.resolved(variable.type())) {
            case BtfType.Array _ -> {
                byte[] bytes = text.replaceAll("^\"|\"$", "").getBytes(StandardCharsets.UTF_8);
                content.put(at, bytes, 0, Math.max(0, Math.min(bytes.length, size - 1)));
            }
            case BtfType.Int integer -> {
                boolean isBool = (integer.encoding() & 4) != 0;
                if (isBool && !text.equals("y") && !text.equals("n")) {
                    throw bad(
                            variable.name(),
                            "the kernel's configuration says %s, which no bool can be".formatted(text));
                }
                long value = isBool ? truth(text) : isLetter ? text.charAt(0) : parsed(variable, text);
                if (!fits(integer, value)) {
                    throw bad(
                            variable.name(),
                            "the kernel's configuration says %s, too much for %s".formatted(text, integer.name()));
                }
                number(content, at, size, value);
            }
            case BtfType.Enumeration _ when isLetter -> number(content, at, size, text.equals("m") ? 2 : truth(text));
            default -> throw bad(variable.name(), "a setting of this type is not known");
        }
    }

    private static boolean fits(BtfType.Int type, long value) {
        int bits = type.size() * 8;
        if (bits >= 64) {
            return true;
        }
        long least = type.isSigned() ? -1L << bits - 1 : 0;
        return value >= least && value < least + (1L << bits);
    }

    private static long truth(String text) {
        return text.equals("y") ? 1 : 0;
    }

    private static long parsed(BtfType.Variable variable, String text) {
        try {
            boolean hexadecimal = text.startsWith("0x") || text.startsWith("0X");
            return hexadecimal ? Long.parseUnsignedLong(text.substring(2), 16) : Long.parseLong(text);
        } catch (NumberFormatException _) {
            throw bad(variable.name(), "the kernel's configuration says " + text + ", which is no number");
        }
    }

    private static void number(ByteBuffer content, int at, int size, long value) {
        switch (size) {
            case 1 -> content.put(at, (byte) value);
            case 2 -> content.putShort(at, (short) value);
            case 4 -> content.putInt(at, (int) value);
            case 8 -> content.putLong(at, value);
            default -> throw bad(CONFIG, "a number of " + size + " bytes");
        }
    }

    private Map<String, String> settings() {
        if (settings.isEmpty()) {
            Map<String, String> found = new HashMap<>();
            kernel.config()
                    .get()
                    .ifPresent(text -> text.lines()
                            .filter(line -> line.startsWith("CONFIG_") && line.contains("="))
                            .forEach(line -> found.put(
                                    line.substring(0, line.indexOf('=')), line.substring(line.indexOf('=') + 1))));
            settings = Optional.of(found);
        }
        return settings.get();
    }

    /** The map of settings, when the object asks for any. */
    Optional<MapSpec> map() {
        return section.isEmpty()
                ? Optional.empty()
                : Optional.of(new MapSpec.Builder(CONFIG, MapType.ARRAY)
                        .sizes(4, data.length, 1)
                        .flags(MapSpec.MMAPABLE | MapSpec.READ_ONLY_FOR_PROGRAMS)
                        .types(OptionalInt.empty(), section)
                        .content(new MapSpec.Content(data))
                        .access(MapSpec.Access.READ_ONLY)
                        .build());
    }

    /** What the address of an undefined symbol means. */
    Wide address(ElfSymbol symbol) {
        Integer offset = offsets.get(symbol.name());
        if (offset != null) {
            return new Wide.MapValue(CONFIG, offset);
        }
        boolean absent = symbol.binding() == ElfSymbol.Binding.WEAK
                && symbols.containsKey(symbol.name())
                && isTyped(symbol.name())
                && kernel.types()
                        .get()
                        .map(btf -> btf.named(symbol.name()).isEmpty())
                        .orElse(true);
        return absent ? new Wide.Constant(0) : new Wide.KernelSymbol(symbol.name());
    }

    /** Symbols without a type are addresses, of which BTF does not know. */
    private boolean isTyped(String name) {
        return switch (types.orElseThrow().type(symbols.get(name))) {
            case BtfType.Variable variable -> !(types.get().resolved(variable.type()) instanceof BtfType.Void);
            default -> true;
        };
    }

    private static RefusedException bad(String where, String why) {
        return new RefusedException(
                LoadResult.Reason.UNRESOLVED_EXTERN, where, why, "declare it __weak, or use a kernel that has it");
    }
}
