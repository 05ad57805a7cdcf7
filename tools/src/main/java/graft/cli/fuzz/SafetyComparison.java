package graft.cli.fuzz;

import graft.ebpf.insn.Disassembler;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnEncoder;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.KernelCall;
import graft.ebpf.insn.SymbolEncoder;
import graft.ebpf.insn.WideEncoding;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgType;
import graft.ebpf.object.RawProgram;
import graft.ebpf.verifier.Cause;
import graft.ebpf.verifier.Limits;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
import graft.platform.linux.Bpf;
import graft.platform.linux.BpfProgram;
import graft.platform.linux.NativeFd;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** Asks graft's verifier and the kernel's about the same programs. Needs root. */
final class SafetyComparison implements AutoCloseable {
    private static final int TYPE = Bpf.PROG_TYPE_KPROBE;

    /** The kernel gave up, or found a limit of its own: it does not say that the program is unsafe. */
    private static final Pattern GAVE_UP =
            Pattern.compile("too (large|complex|many)|[Cc]omplexity|combined stack size|same insn cannot");

    /**
     * What the kernel says about numbers whose bounds it does not know, and on ways that such a number never takes. Runs
     * show whether it is right.
     */
    private static final Pattern FOLLOWS_FROM_BOUNDS = Pattern.compile(
            "(min|max) value is|unbounded|outside of the|reference leak|invalid (access|.*stack|mem access|zero-sized)");

    private static final int RUNS = 3_000;

    /** Programs that take longer to verify than this are not asked about: there is no time for the kernel's limit. */
    private static final int MOST_WALKED = 5_000;

    private final Map<String, MapSpec> maps = new LinkedHashMap<>();
    private final Map<String, NativeFd> descriptors = new LinkedHashMap<>();
    private final Verifier verifier;

    SafetyComparison() {
        add(MapSpec.of(
                SafetyStatements.ARRAY, MapType.ARRAY, 4, SafetyStatements.VALUE_BYTES, SafetyStatements.ENTRIES));
        add(MapSpec.of(SafetyStatements.HASH, MapType.HASH, 4, SafetyStatements.VALUE_BYTES, SafetyStatements.ENTRIES));
        add(MapSpec.of(SafetyStatements.DATA, MapType.ARRAY, 4, SafetyStatements.VALUE_BYTES, 1));
        add(MapSpec.of(SafetyStatements.RING, MapType.RINGBUF, 0, 0, 4096));
        this.verifier = Verifier.likeKernel(
                        new CollectionSpec("generated", maps, Map.of(), Optional.empty()), Optional.empty())
                .withLimits(Limits.KERNEL.withInsns(MOST_WALKED));
    }

    private void add(MapSpec map) {
        maps.put(map.name(), map);
        descriptors.put(
                map.name(),
                Bpf.mapCreate(new Bpf.MapAttributes(
                        map.name(),
                        map.type().number(),
                        map.keySize(),
                        map.valueSize(),
                        map.maxEntries(),
                        0,
                        0,
                        0,
                        0)));
    }

    /** What came of one program. */
    sealed interface Result {
        /** Both take it. */
        record BothTake() implements Result {}

        /** Both refuse it. */
        record BothRefuse() implements Result {}

        /** Taken here; the kernel says that it is not safe. */
        record Unsound(String kernel) implements Result {}

        /** Taken here, refused by the kernel, and nothing goes wrong in many runs: graft knows the bounds better. */
        record MoreExact(String kernel) implements Result {}

        /** Taken here; the kernel gave up. */
        record KernelGaveUp(String kernel) implements Result {}

        /** Verifying takes too long here: the kernel was not asked. */
        record TooLong() implements Result {}

        /** Refused here only. */
        record TooStrict(String why) implements Result {}
    }

    Result compare(InsnList insns) {
        Verdict ours = verifier.verify(RawProgram.of("generated", ProgType.UPROBE, insns));
        if (ours instanceof Verdict.Rejected(var rejection) && rejection.cause() == Cause.TOO_COMPLEX) {
            return new Result.TooLong();
        }
        byte[] code = InsnEncoder.encode(insns, new Numbers());
        boolean taken = BpfProgram.refusal(TYPE, code) == 0;
        return switch (ours) {
            case Verdict.Accepted _ -> taken ? new Result.BothTake() : refused(insns, code);
            case Verdict.Rejected(var rejection) ->
                taken ? new Result.TooStrict(rejection.render()) : new Result.BothRefuse();
        };
    }

    private static Result refused(InsnList insns, byte[] code) {
        String reason = BpfProgram.log(TYPE, code)
                .lines()
                .filter(line -> !line.startsWith("processed") && !line.startsWith("verification time"))
                .reduce("", (_, last) -> last);
        if (GAVE_UP.matcher(reason).find()) {
            return new Result.KernelGaveUp(reason);
        }
        boolean aboutBounds = FOLLOWS_FROM_BOUNDS.matcher(reason).find();
        return aboutBounds && new SafetyRun(insns).fault(RUNS).isEmpty()
                ? new Result.MoreExact(reason)
                : new Result.Unsound(reason);
    }

    /** The text of a program, with everything left out without which the result is still of the same kind. */
    String reduced(InsnList program) {
        Class<? extends Result> kind = compare(program).getClass();
        List<Insn> insns = new ArrayList<>(program.insns());
        for (int at = 0; at < insns.size(); at++) {
            Insn removed = insns.get(at);
            if (removed instanceof Insn.Exit || removed.slots() != 1) {
                continue;
            }
            insns.set(at, new Insn.Jump(0));
            if (compare(InsnList.of(insns)).getClass() != kind) {
                insns.set(at, removed);
            }
        }
        StringBuilder text = new StringBuilder(compare(InsnList.of(insns)).toString()).append('\n');
        Disassembler.text(InsnList.of(insns))
                .lines()
                .filter(line -> !line.endsWith("goto pc+0"))
                .forEach(line -> text.append(line).append('\n'));
        return text.toString();
    }

    @Override
    public void close() {
        descriptors.values().forEach(NativeFd::close);
    }

    private final class Numbers implements SymbolEncoder {
        @Override
        public WideEncoding mapPointer(String name) {
            return new WideEncoding(WideEncoding.MAP_FD, descriptors.get(name).number());
        }

        @Override
        public WideEncoding mapValue(String name, long offset) {
            return new WideEncoding(
                    WideEncoding.MAP_VALUE, descriptors.get(name).number() | offset << 32);
        }

        @Override
        public WideEncoding kernelSymbol(String name) {
            throw new IllegalArgumentException("no kernel symbols here: " + name);
        }

        @Override
        public KernelCall kernelFunction(String name) {
            throw new IllegalArgumentException("no kernel functions here: " + name);
        }
    }
}
