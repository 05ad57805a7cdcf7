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

/** Encodes names as bpf(2) takes them: descriptors of maps, BTF ids of kernel functions. For one load. */
final class KernelSymbols implements SymbolEncoder {
    private static final Path KERNEL_TYPES = Path.of("/sys/kernel/btf/vmlinux");

    private final Map<String, KernelMap> maps;

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

    /** Zero, which is what programs test weak symbols for. */
    @Override
    public WideEncoding kernelSymbol(String name) {
        return new WideEncoding(WideEncoding.CONSTANT, 0);
    }

    @Override
    public KernelCall kernelFunction(String name) {
        try {
            Btf kernel = Btf.parse(Files.readAllBytes(KERNEL_TYPES));
            return kernel.named(name).stream()
                    .filter(id -> kernel.type(id) instanceof BtfType.Function)
                    .findFirst()
                    .map(id -> new KernelCall(id, (short) 0))
                    .orElseThrow(() -> new IllegalArgumentException("this kernel has no function " + name));
        } catch (IOException failed) {
            throw new UncheckedIOException("reading " + KERNEL_TYPES, failed);
        }
    }
}
