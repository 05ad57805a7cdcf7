package graft.tests.fuzz;

import graft.ebpf.insn.InsnDecoder;
import graft.ebpf.insn.InsnFormatException;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.KernelCall;
import graft.ebpf.insn.SymbolDecoder;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.WideEncoding;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import graft.ebpf.verifier.Verdict;
import graft.tests.object.RealObjects;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Programs for the verifier, and for the compiler when they are accepted. The first byte chooses the program's type, the
 * others are instructions; a wide load's number names a map.
 */
public final class VerifierFuzz {
    private static final ProgType[] TYPES = {
        ProgType.UPROBE, ProgType.URETPROBE, ProgType.SYSCALL_ENTER, ProgType.SYSCALL_EXIT,
    };
    private static final List<MapSpec> MAPS = List.of(
            MapSpec.of("hash", MapType.HASH, 4, 8, 16),
            MapSpec.of("array", MapType.ARRAY, 4, 64, 16),
            MapSpec.of("data", MapType.ARRAY, 4, 32, 1),
            MapSpec.of("ring", MapType.RINGBUF, 0, 0, 4096),
            MapSpec.of("percpu", MapType.PERCPU_HASH, 8, 16, 16),
            MapSpec.of("slots", MapType.PERCPU_ARRAY, 4, 24, 3));

    private VerifierFuzz() {}

    /** Jazzer's entry. */
    public static void fuzzerTestOneInput(byte[] input) {
        if (input.length == 0) {
            return;
        }
        Outcome.bounded(() -> verify(input));
    }

    private static void verify(byte[] input) {
        byte[] code = BentProgram.of(input, 1);
        Outcome.valueOr(InsnFormatException.class, () -> {
            InsnList insns = InsnDecoder.decode(code, new Names());
            if (insns.slots() > 0) {
                verify(insns, TYPES[input[0] & TYPES.length - 1]);
            }
        });
    }

    private static void verify(InsnList insns, ProgType type) {
        Map<String, MapSpec> maps = new LinkedHashMap<>();
        MAPS.forEach(map -> maps.put(map.name(), map));
        ProgSpec program = new ProgSpec(
                "input",
                "uprobe",
                type,
                Optional.empty(),
                insns,
                List.of(new ProgSpec.Function("input", 0, insns.slots(), 0)),
                List.of(),
                "GPL");
        CollectionSpec spec = new CollectionSpec("input", maps, Map.of("input", program), Optional.empty());
        for (RealObjects.Outcome outcome : new RealObjects().outcomes(spec, Outcome.BUDGET)) {
            switch (outcome.verdict()) {
                case Verdict.Accepted _ ->
                    Outcome.holds(outcome.compilation().isPresent(), "accepted, but not compiled: " + insns);
                case Verdict.Rejected(var rejection) -> {
                    Outcome.says(rejection.why(), rejection);
                    Outcome.says(rejection.details(), rejection);
                }
            }
        }
    }

    /** Numbers of wide loads are maps. */
    private static final class Names implements SymbolDecoder {
        @Override
        public Optional<Wide> wide(WideEncoding encoded, int slot) {
            String map = MAPS.get(Math.floorMod(encoded.low(), MAPS.size())).name();
            return Optional.of(
                    encoded.source() == WideEncoding.MAP_VALUE
                            ? new Wide.MapValue(map, encoded.high())
                            : new Wide.MapPointer(map));
        }

        @Override
        public Optional<String> kernelFunction(KernelCall call, int slot) {
            return Optional.empty();
        }
    }
}
