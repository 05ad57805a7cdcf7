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
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** graft's two engines. The compiler gets the verifier's facts, so that what it derives from them is tried too. */
final class UserEngines implements AutoCloseable {
    private static final long STACK_END = 0x7fff_0000_0000L;
    /** A function that leaves by a tail call stays below the other program. */
    private static final int STACK_BYTES = 64 * Interpreter.FRAME_BYTES;

    private static final int STEPS = 10_000_000;
    private static final int LIMIT_MILLIS = 5_000;
    private static final int WALKED = 50_000;
    private static final Insn LOOKUP = new Insn.CallHelper(Helper.MAP_LOOKUP_ELEM.number());
    private static final Insn TAIL_CALL = new Insn.CallHelper(Helper.TAIL_CALL.number());
    private static final int CODE_ALIGNMENT = 64;

    /** What a program takes for the address of the map of programs. */
    private static final long PROGRAMS = 1;

    /** In the runner's memory, behind the value: the entries of the map of programs, then the addresses of programs. */
    private static final int ENTRY_BYTES = 8;

    private static final int TABLE_BYTES = 2 * Long.BYTES;

    private final ContextLayout layout = new ContextLayout("the context", 0, ProgramGenerator.CONTEXT_BYTES);
    private final Verifier verifier = Verifier.of(
            Map.of(
                    MemoryStatements.MAP,
                    MapSpec.of(MemoryStatements.MAP, MapType.ARRAY, 4, ProgramGenerator.VALUE_BYTES, 1),
                    ProgramGenerator.PROGRAMS,
                    MapSpec.of(ProgramGenerator.PROGRAMS, MapType.PROG_ARRAY, 4, 4, ProgramGenerator.PROGRAM_SLOTS),
                    ArenaStatements.ARENA.name(),
                    ArenaStatements.ARENA),
            Limits.KERNEL.withInsns(WALKED));
    private final ProgramCompiler compiler = X64ProgramCompiler.forThisMachine();
    private Runner runner = Runner.start();

    /** What graft's verifier says of a case: of its program, and of the one that tail calls lead to. */
    record Opinion(Verdict first, Optional<Verdict> other) {
        /** Why it refuses one of them. */
        Optional<String> refusal() {
            return refusal(first).or(() -> other.flatMap(Opinion::refusal));
        }

        private static Optional<String> refusal(Verdict verdict) {
            return switch (verdict) {
                case Verdict.Accepted _ -> Optional.empty();
                case Verdict.Rejected(var rejection) -> Optional.of(rejection.render());
            };
        }
    }

    /** What graft's verifier says. */
    Opinion opinion(FuzzCase one) {
        return new Opinion(
                verifier.verify(program(one.insns()), layout),
                one.other().map(other -> verifier.verify(program(other), layout)));
    }

    Ending interpret(FuzzCase one, Opinion opinion) {
        byte[] value = one.value().clone();
        Regions regions = new Regions()
                .add(STACK_END - STACK_BYTES, new byte[STACK_BYTES])
                .add(runner.memoryAddress(), one.context())
                .add(runner.memoryAddress() + one.context().length, value);
        byte[] arena = new byte[(int) ArenaStatements.AREA.bytes()];
        regions.add(ArenaStatements.AREA.start(), arena);
        Environment environment = new Surroundings(runner.memoryAddress() + one.context().length, regions, one);
        try {
            long r0 = new Interpreter(one.insns(), regions, environment)
                    .withArena(arena(opinion.first()))
                    .run(runner.memoryAddress(), STACK_END, STEPS);
            return new Ending.Done((int) r0, one.other().isEmpty() ? ArenaStatements.behind(value, arena) : value);
        } catch (ProgramFault fault) {
            return new Ending.Failed(fault.getMessage());
        }
    }

    /** Runs machine code that was compiled with what {@code opinion} knows. */
    Ending compiled(FuzzCase one, Opinion opinion) {
        TargetBinding binding = binding(one);
        Compilation first = compile(one.insns(), opinion.first(), binding, runner.codeAddress());
        if (!(first instanceof Compilation.Compiled(var main))) {
            return new Ending.Failed(first.toString());
        }
        if (one.other().isEmpty()) {
            return run(main.code(), new byte[(int) ArenaStatements.AREA.bytes()], one);
        }
        int behind = Math.ceilDiv(main.code().length, CODE_ALIGNMENT) * CODE_ALIGNMENT;
        Compilation second = compile(
                one.other().orElseThrow(), opinion.other().orElseThrow(), binding, runner.codeAddress() + behind);
        if (!(second instanceof Compilation.Compiled(var other))) {
            return new Ending.Failed(second.toString());
        }
        byte[] code = Arrays.copyOf(main.code(), behind + other.code().length);
        System.arraycopy(other.code(), 0, code, behind, other.code().length);
        ByteBuffer tables = ByteBuffer.allocate(ENTRY_BYTES * ProgramGenerator.PROGRAM_SLOTS + TABLE_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN);
        tables.putLong(1).putLong(2).position(ENTRY_BYTES * ProgramGenerator.PROGRAM_SLOTS);
        tables.putLong(other.address() + other.tailEntry()).putLong(main.address() + main.tailEntry());
        return run(code, tables.array(), one);
    }

    private static Facts.ArenaUse arena(Verdict verdict) {
        return verdict instanceof Verdict.Accepted(Facts facts) ? facts.arena() : Facts.ArenaUse.NONE;
    }

    private TargetBinding binding(FuzzCase one) {
        long value = runner.memoryAddress() + one.context().length;
        long entries = value + one.value().length;
        long table = entries + ENTRY_BYTES * ProgramGenerator.PROGRAM_SLOTS;
        return new TargetBinding(
                Map.of(
                        MemoryStatements.MAP,
                        new MapBinding(MapType.ARRAY, 0, value, 1, one.value().length),
                        ProgramGenerator.PROGRAMS,
                        new MapBinding(MapType.PROG_ARRAY, 0, entries, ProgramGenerator.PROGRAM_SLOTS, ENTRY_BYTES),
                        ArenaStatements.ARENA.name(),
                        new MapBinding(MapType.ARENA, 0, entries, ArenaStatements.ARENA.maxEntries(), 0)),
                Map.of(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                Optional.of(
                        new TargetBinding.ProgramTable(table, TABLE_BYTES / Long.BYTES, TargetBinding.RunSignals.NONE)),
                Optional.empty());
    }

    private Compilation compile(InsnList insns, Verdict verdict, TargetBinding binding, long address) {
        ProgSpec program = program(insns);
        Facts facts = switch (verdict) {
            case Verdict.Accepted(Facts learned) -> learned;
            case Verdict.Rejected _ -> unverified(program);
        };
        return compiler.compile(program, facts, binding, address);
    }

    /** Nothing but which map a call is for, without which there is no lookup in place and no tail call. */
    private static Facts unverified(ProgSpec program) {
        InsnList insns = program.insns();
        Map<Integer, String> maps = new HashMap<>();
        for (int slot = 0; slot < insns.slots(); slot++) {
            if (insns.startsAt(slot) && insns.at(slot).equals(LOOKUP)) {
                maps.put(slot, MemoryStatements.MAP);
            } else if (insns.startsAt(slot) && insns.at(slot).equals(TAIL_CALL)) {
                maps.put(slot, ProgramGenerator.PROGRAMS);
            }
        }
        return Facts.unverified(program).withMaps(maps);
    }

    private Ending run(byte[] code, byte[] tables, FuzzCase one) {
        int value = one.context().length;
        int end = value + one.value().length;
        byte[] memory = Arrays.copyOf(one.context(), end + tables.length);
        System.arraycopy(one.value(), 0, memory, value, one.value().length);
        System.arraycopy(tables, 0, memory, end, tables.length);
        Optional<Runner.Answer> answer = runner.run(code, memory, LIMIT_MILLIS);
        if (answer.isEmpty()) {
            runner.close();
            runner = Runner.start();
            return new Ending.Failed("the code destroyed its process");
        }
        Runner.Answer after = answer.get();
        return after.kind() == Runner.Kind.RETURNED
                ? new Ending.Done((int) after.value(), changed(after.memory(), value, end, one))
                : new Ending.Failed("%s (signal %d)".formatted(after.kind(), after.signal()));
    }

    /** The map's value, and the arena that is behind it where no tables are. */
    private static byte[] changed(byte[] memory, int from, int end, FuzzCase one) {
        return Arrays.copyOfRange(memory, from, one.other().isEmpty() ? memory.length : end);
    }

    private static ProgSpec program(InsnList insns) {
        return RawProgram.of("generated", ProgType.UPROBE, insns);
    }

    @Override
    public void close() {
        runner.close();
    }

    /** The maps. */
    private record Surroundings(long address, Memory memory, FuzzCase one) implements Environment {
        @Override
        public long call(int number, long[] arguments, Functions functions) {
            if (number == Helper.MAP_LOOKUP_ELEM.number()) {
                return memory.read(arguments[1], MemSize.W) == 0 ? address : 0;
            }
            throw new ProgramFault("call of helper " + number);
        }

        @Override
        public Optional<InsnList> program(long map, int index) {
            return switch (index) {
                case 0 -> one.other();
                case 1 -> Optional.of(one.insns());
                default -> Optional.empty();
            };
        }

        @Override
        public long resolve(Wide wide) {
            if (wide instanceof Wide.MapPointer(String name)) {
                return name.equals(ProgramGenerator.PROGRAMS) ? PROGRAMS : address;
            }
            if (wide instanceof Wide.MapValue(String name, long offset)) {
                return (name.equals(ArenaStatements.ARENA.name()) ? ArenaStatements.AREA.start() : address) + offset;
            }
            throw new ProgramFault("use of " + wide);
        }
    }
}
