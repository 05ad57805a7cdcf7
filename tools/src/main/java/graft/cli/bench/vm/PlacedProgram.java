package graft.cli.bench.vm;

import graft.ebpf.jit.Compilation;
import graft.ebpf.jit.CompiledProgram;
import graft.ebpf.jit.ProgramCompiler;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.jit.x86_64.X64ProgramCompiler;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * A workload compiled by graft and put into the target with its maps.
 *
 * @param state address of its state
 */
record PlacedProgram(CompiledProgram code, TargetBinding binding, long state) {
    private static final int ALIGNMENT = 64;
    private static final ProgramCompiler COMPILER = X64ProgramCompiler.forThisMachine();

    /** Places code at {@code codeAddress} and maps from {@code dataAddress} on. */
    static PlacedProgram place(Workload workload, VmTarget target, long codeAddress, long dataAddress) {
        Map<String, MapBinding> maps = new LinkedHashMap<>();
        long data = dataAddress;
        for (MapSpec map : workload.object().maps().values()) {
            if (map.type() != MapType.ARRAY) {
                throw new IllegalArgumentException(map.name() + " is not an array");
            }
            int stride = (map.valueSize() + 7) & -8;
            maps.put(map.name(), new MapBinding(map.type(), 0, data, map.maxEntries(), stride));
            target.write(data, map.content().bytes());
            data += ((long) stride * map.maxEntries() + ALIGNMENT - 1) & -ALIGNMENT;
        }
        TargetBinding binding =
                new TargetBinding(maps, Map.of(), OptionalInt.empty(), OptionalInt.empty(), OptionalInt.empty());
        CompiledProgram code = compile(workload, binding, codeAddress);
        target.write(codeAddress, code.code());
        return new PlacedProgram(code, binding, maps.get(Workload.STATE).data());
    }

    static CompiledProgram compile(Workload workload, TargetBinding binding, long address) {
        return switch (COMPILER.compile(workload.program(), workload.facts(), binding, address)) {
            case Compilation.Compiled(var program) -> program;
            case Compilation.Refused refused -> throw new AssertionError(refused.toString());
        };
    }

    /** Bytes of data that {@code workloads} need at most. */
    static long dataBytes(List<MapSpec> maps) {
        return maps.stream()
                .mapToLong(map -> ((long) ((map.valueSize() + 7) & -8) * map.maxEntries() + ALIGNMENT - 1) & -ALIGNMENT)
                .sum();
    }
}
