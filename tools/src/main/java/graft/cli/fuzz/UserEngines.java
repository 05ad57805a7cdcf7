package graft.cli.fuzz;

import graft.cli.vm.Runner;
import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Wide;
import graft.ebpf.interp.Environment;
import graft.ebpf.interp.Interpreter;
import graft.ebpf.interp.Memory;
import graft.ebpf.interp.ProgramFault;
import graft.ebpf.interp.Regions;
import graft.ebpf.jit.Compilation;
import graft.ebpf.jit.ProgramCompiler;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.jit.x86_64.X64ProgramCompiler;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import graft.ebpf.object.RawProgram;
import graft.ebpf.verifier.ContextLayout;
import graft.ebpf.verifier.Facts;
import graft.ebpf.verifier.Limits;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** graft's two engines. The compiler gets the verifier's facts, so that what it derives from them is tried too. */
final class UserEngines implements AutoCloseable {
    private static final long STACK_END = 0x7fff_0000_0000L;
    private static final int STACK_BYTES = 8 * Interpreter.FRAME_BYTES;
    private static final int STEPS = 10_000_000;
    private static final int LIMIT_MILLIS = 5_000;
    private static final int WALKED = 50_000;
    private static final Insn LOOKUP = new Insn.CallHelper(Helper.MAP_LOOKUP_ELEM.number());

    private final ContextLayout layout = new ContextLayout("the context", 0, ProgramGenerator.CONTEXT_BYTES);
    private final Verifier verifier = Verifier.of(
            Map.of(
                    MemoryStatements.MAP,
                    MapSpec.of(MemoryStatements.MAP, MapType.ARRAY, 4, ProgramGenerator.VALUE_BYTES, 1)),
            Limits.KERNEL.withInsns(WALKED));
    private final ProgramCompiler compiler = X64ProgramCompiler.forThisMachine();
    private Runner runner = Runner.start();

    /** What graft's verifier says. */
    Verdict verdict(FuzzCase one) {
        return verifier.verify(program(one), layout);
    }

    Ending interpret(FuzzCase one) {
        byte[] value = one.value().clone();
        Regions regions = new Regions()
                .add(STACK_END - STACK_BYTES, new byte[STACK_BYTES])
                .add(runner.memoryAddress(), one.context())
                .add(runner.memoryAddress() + one.context().length, value);
        Environment environment = new ValueOnly(runner.memoryAddress() + one.context().length, regions);
        try {
            long r0 = new Interpreter(one.insns(), regions, environment).run(runner.memoryAddress(), STACK_END, STEPS);
            return new Ending.Done((int) r0, value);
        } catch (ProgramFault fault) {
            return new Ending.Failed(fault.getMessage());
        }
    }

    /** Runs machine code that was compiled with what {@code verdict} knows. */
    Ending compiled(FuzzCase one, Verdict verdict) {
        ProgSpec program = program(one);
        Facts facts = switch (verdict) {
            case Verdict.Accepted(Facts learned) -> learned;
            case Verdict.Rejected _ -> unverified(program);
        };
        long value = runner.memoryAddress() + one.context().length;
        MapBinding map = new MapBinding(MapType.ARRAY, 0, value, 1, one.value().length);
        TargetBinding binding = new TargetBinding(
                Map.of(MemoryStatements.MAP, map),
                Map.of(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                OptionalInt.empty());
        return switch (compiler.compile(program, facts, binding, runner.codeAddress())) {
            case Compilation.Refused refused -> new Ending.Failed(refused.toString());
            case Compilation.Compiled(var compiled) -> run(compiled.code(), one);
        };
    }

    /** Nothing but which map a lookup is in, without which there is no lookup in place. */
    private static Facts unverified(ProgSpec program) {
        Facts nothing = Facts.unverified(program);
        InsnList insns = program.insns();
        Map<Integer, String> maps = IntStream.range(0, insns.slots())
                .filter(slot -> insns.startsAt(slot) && insns.at(slot).equals(LOOKUP))
                .boxed()
                .collect(Collectors.toMap(slot -> slot, _ -> MemoryStatements.MAP));
        return nothing.withMaps(maps);
    }

    private Ending run(byte[] code, FuzzCase one) {
        int context = one.context().length;
        byte[] memory = Arrays.copyOf(one.context(), context + one.value().length);
        System.arraycopy(one.value(), 0, memory, context, one.value().length);
        Optional<Runner.Answer> answer = runner.run(code, memory, LIMIT_MILLIS);
        if (answer.isEmpty()) {
            runner.close();
            runner = Runner.start();
            return new Ending.Failed("the code destroyed its process");
        }
        Runner.Answer end = answer.get();
        return end.kind() == Runner.Kind.RETURNED
                ? new Ending.Done((int) end.value(), Arrays.copyOfRange(end.memory(), context, memory.length))
                : new Ending.Failed("%s (signal %d)".formatted(end.kind(), end.signal()));
    }

    private static ProgSpec program(FuzzCase one) {
        return RawProgram.of("seed_" + one.seed(), ProgType.UPROBE, one.insns());
    }

    @Override
    public void close() {
        runner.close();
    }

    /** The one map. */
    private record ValueOnly(long address, Memory memory) implements Environment {
        @Override
        public long call(int number, long[] arguments, Functions functions) {
            if (number == Helper.MAP_LOOKUP_ELEM.number()) {
                return memory.read(arguments[1], MemSize.W) == 0 ? address : 0;
            }
            throw new ProgramFault("call of helper " + number);
        }

        @Override
        public long resolve(Wide wide) {
            if (wide instanceof Wide.MapPointer) {
                return address;
            }
            if (wide instanceof Wide.MapValue(var _, long offset)) {
                return address + offset;
            }
            throw new ProgramFault("use of " + wide);
        }
    }
}
