package graft.cli.fuzz;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnDecoder;
import graft.ebpf.insn.InsnFormatException;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.KernelCall;
import graft.ebpf.insn.SymbolDecoder;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.WideEncoding;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgType;
import graft.ebpf.object.RawProgram;
import graft.ebpf.verifier.Cause;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
import graft.platform.linux.Bpf;
import graft.platform.linux.BpfProgram;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Asks graft and the kernel about the same bytes. Needs root. */
final class VerdictComparison implements AutoCloseable {
    private static final int EINVAL = 22;
    private static final int KERNEL_TYPE = Bpf.PROG_TYPE_KPROBE;

    private final KernelEngine kernel = new KernelEngine();
    private final Verifier verifier = Verifier.of(Map.of(
            MemoryStatements.MAP, MapSpec.of(MemoryStatements.MAP, MapType.ARRAY, 4, ProgramGenerator.VALUE_BYTES, 1)));

    /** Rules of graft's that the kernel has for unprivileged loaders only, or that are about what graft offers. */
    private static final Set<Cause> OWN_RULES =
            EnumSet.of(Cause.UNSUPPORTED, Cause.POINTER_COMPARISON, Cause.POINTER_LEAK, Cause.BAD_RETURN);

    /** How the two verdicts stand to each other. */
    enum Relation {
        SAME,
        /** Refused by a rule of graft's alone. */
        OWN_RULE,
        /** A misused field in code that graft knows to be dead and the kernel does not. */
        DEAD_CODE,
        DIFFERENT
    }

    /** Both opinions; a refusal is empty when the program is taken. */
    record Opinions(Optional<String> graft, Optional<String> kernel, Relation relation) {}

    byte[] program(long seed) {
        return FaultGenerator.program(seed, kernel.symbols());
    }

    Opinions ask(byte[] code) {
        int errno = code.length == 0 ? EINVAL : BpfProgram.refusal(KERNEL_TYPE, code);
        Optional<String> kernelRefusal = errno == 0 ? Optional.empty() : Optional.of("errno " + errno);
        InsnList insns;
        try {
            insns = InsnDecoder.decodeForVerifier(code, new Names());
        } catch (InsnFormatException bad) {
            Relation relation = errno == 0 ? Relation.DIFFERENT : Relation.SAME;
            return new Opinions(Optional.of(bad.getMessage()), kernelRefusal, relation);
        }
        return switch (verifier.verify(RawProgram.of("program", ProgType.UPROBE, insns))) {
            case Verdict.Accepted _ -> {
                boolean misused = insns.insns().stream().anyMatch(Insn.Poison.class::isInstance);
                Relation refused = misused ? Relation.DEAD_CODE : Relation.DIFFERENT;
                yield new Opinions(Optional.empty(), kernelRefusal, errno == 0 ? Relation.SAME : refused);
            }
            case Verdict.Rejected(var rejection) -> {
                Relation accepted = OWN_RULES.contains(rejection.cause()) ? Relation.OWN_RULE : Relation.DIFFERENT;
                yield new Opinions(
                        Optional.of(rejection.render()), kernelRefusal, errno == 0 ? accepted : Relation.SAME);
            }
        };
    }

    /** The end of the kernel's log. */
    String log(byte[] code) {
        return BpfProgram.log(KERNEL_TYPE, code)
                .lines()
                .filter(line -> !line.startsWith("processed"))
                .reduce("", (_, last) -> last);
    }

    @Override
    public void close() {
        kernel.close();
    }

    /** The map by its descriptor, as in a call of bpf(2). */
    private final class Names implements SymbolDecoder {
        @Override
        public Optional<Wide> wide(WideEncoding encoded, int slot) {
            if (encoded.low() != kernel.mapNumber()) {
                return Optional.empty();
            }
            return switch (encoded.source()) {
                case WideEncoding.MAP_FD ->
                    encoded.high() == 0 ? Optional.of(new Wide.MapPointer(MemoryStatements.MAP)) : Optional.empty();
                case WideEncoding.MAP_VALUE ->
                    Integer.compareUnsigned(encoded.high(), ProgramGenerator.VALUE_BYTES) < 0
                            ? Optional.of(new Wide.MapValue(MemoryStatements.MAP, encoded.high()))
                            : Optional.empty();
                default -> Optional.empty(); // nothing else was given to the kernel
            };
        }

        @Override
        public Optional<String> kernelFunction(KernelCall call, int slot) {
            return Optional.empty();
        }
    }
}
