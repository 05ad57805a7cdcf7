package graft.bridge;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import graft.ebpf.insn.KernelCall;
import graft.ebpf.insn.SymbolEncoder;
import graft.ebpf.insn.WideEncoding;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/** Encodes names as bpf(2) takes them: descriptors of maps, BTF ids and addresses of what the kernel has. */
final class KernelSymbols implements SymbolEncoder {
    private static final Path KERNEL_TYPES = Path.of("/sys/kernel/btf/vmlinux");

    private static final Path KERNEL_SYMBOLS = Path.of("/proc/kallsyms");

    private final Map<String, KernelMap> maps;
    private Optional<Btf> kernel = Optional.empty();

    KernelSymbols(Map<String, KernelMap> maps) {
        this.maps = maps;
    }

    @Override
    public WideEncoding mapPointer(String map) {
        return WideEncoding.of(WideEncoding.MAP_FD, descriptor(map), 0);
    }

    @Override
    public WideEncoding mapValue(String map, long offset) {
        return WideEncoding.of(WideEncoding.MAP_VALUE, descriptor(map), (int) offset);
    }

    private int descriptor(String map) {
        if (!maps.containsKey(map)) {
            throw new IllegalArgumentException("no map " + map);
        }
        return maps.get(map).fd().number();
    }

    /** A symbol without an address is zero, which weak ones are tested for; a variable may have a type besides. */
    @Override
    public WideEncoding kernelSymbol(String name) {
        long address = address(name);
        OptionalInt variable = address == 0 ? OptionalInt.empty() : typed(name, BtfType.Variable.class);
        return variable.isPresent()
                ? WideEncoding.of(WideEncoding.BTF_ID, variable.getAsInt(), 0)
                : new WideEncoding(WideEncoding.CONSTANT, address);
    }

    @Override
    public KernelCall kernelFunction(String name) {
        int id = typed(name, BtfType.Function.class)
                .orElseThrow(() -> new IllegalArgumentException("this kernel has no function " + name));
        return new KernelCall(id, (short) 0);
    }

    private OptionalInt typed(String name, Class<? extends BtfType> kind) {
        Btf types = kernel();
        return types.named(name).stream()
                .filter(id -> kind.isInstance(types.type(id)))
                .mapToInt(id -> id)
                .findFirst();
    }

    private Btf kernel() {
        if (kernel.isEmpty()) {
            try {
                kernel = Optional.of(Btf.parse(Files.readAllBytes(KERNEL_TYPES)));
            } catch (IOException failed) {
                throw new UncheckedIOException("reading " + KERNEL_TYPES, failed);
            }
        }
        return kernel.get();
    }

    private static long address(String name) {
        try (Stream<String> lines = Files.lines(KERNEL_SYMBOLS)) {
            return lines.map(line -> line.split("\\s+"))
                    .filter(fields -> fields.length >= 3 && fields[2].equals(name))
                    .mapToLong(fields -> Long.parseUnsignedLong(fields[0], 16))
                    .findFirst()
                    .orElse(0);
        } catch (IOException failed) {
            throw new UncheckedIOException("reading " + KERNEL_SYMBOLS, failed);
        }
    }
}
