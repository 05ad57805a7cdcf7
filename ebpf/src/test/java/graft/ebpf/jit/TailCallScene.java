package graft.ebpf.jit;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Assembler;
import graft.ebpf.insn.ControlFlow;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnEncoder;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.KernelCall;
import graft.ebpf.insn.SymbolEncoder;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.WideEncoding;
import graft.ebpf.interp.Environment;
import graft.ebpf.interp.Interpreter;
import graft.ebpf.interp.ProgramFault;
import graft.ebpf.interp.Regions;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import graft.ebpf.object.RawProgram;
import graft.ebpf.verifier.Facts;
import graft.platform.linux.Bpf;
import graft.platform.linux.FunctionBtf;
import graft.platform.linux.NativeFd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Programs that call each other through one map, {@code programs}, and may count in another one, {@code counter}. */
final class TailCallScene {
    private static final int SLOTS = 4;
    private static final long STACK_END = 0x7fff_0000_0000L;
    private static final int STACK_BYTES = 64 * Interpreter.FRAME_BYTES;
    private static final long COUNTER = 0x1000_0000L;
    private static final long STEPS = 1_000_000;

    private final List<InsnList> programs;
    private final Map<Integer, Integer> slots;

    /** @param slots of the map: which program, counted from 1 */
    TailCallScene(List<String> programs, Map<Integer, Integer> slots) {
        this.programs = programs.stream().map(TailCallScene::assemble).toList();
        this.slots = slots;
    }

    private static InsnList assemble(String text) {
        return switch (Assembler.assemble(text)) {
            case Assembler.Result.Assembled done -> done.insns();
            case Assembler.Result.Refused refused -> throw new AssertionError(refused + " in\n" + text);
        };
    }

    long interpreted() {
        Regions memory = new Regions()
                .add(STACK_END - STACK_BYTES, new byte[STACK_BYTES])
                .add(COUNTER, new byte[8]);
        Environment environment = new Environment() {
            @Override
            public long call(int number, long[] arguments, Functions functions) {
                throw new ProgramFault("call of " + number);
            }

            @Override
            public Optional<InsnList> program(long map, int index) {
                return Optional.ofNullable(slots.get(index)).map(number -> programs.get(number - 1));
            }

            @Override
            public long resolve(Wide value) {
                return value instanceof Wide.MapValue ? COUNTER : 0;
            }
        };
        return new Interpreter(programs.getFirst(), memory, environment).run(0, STACK_END, STEPS);
    }

    long compiled() {
        try (Engines engines = new Engines();
                Arena arena = Arena.ofConfined()) {
            MemorySegment counter = arena.allocate(8, 8);
            MemorySegment array = arena.allocate(8 * SLOTS, 8);
            MemorySegment table = arena.allocate(8L * programs.size(), 8);
            slots.forEach((slot, number) -> array.set(JAVA_INT, 8L * slot, number));
            TargetBinding binding = new TargetBinding(
                    Map.of(
                            "counter", new TargetBinding.MapBinding(MapType.ARRAY, 0, counter.address(), 1, 8),
                            "programs", new TargetBinding.MapBinding(MapType.PROG_ARRAY, 0, array.address(), SLOTS, 8)),
                    Map.of(),
                    OptionalInt.empty(),
                    OptionalInt.empty(),
                    OptionalInt.empty(),
                    Optional.of(new TargetBinding.ProgramTable(
                            table.address(), programs.size(), TargetBinding.RunSignals.NONE)),
                    Optional.empty());
            for (int index = programs.size() - 1; index > 0; index--) {
                CompiledProgram other = engines.place(spec(index), facts(index), binding);
                table.set(JAVA_LONG, 8L * index, other.address() + other.tailEntry());
            }
            CompiledProgram first = engines.place(spec(0), facts(0), binding);
            table.set(JAVA_LONG, 0, first.address() + first.tailEntry());
            return engines.call(first, 0);
        }
    }

    private ProgSpec spec(int index) {
        return RawProgram.of("program_" + index, ProgType.UPROBE, programs.get(index));
    }

    private Facts facts(int index) {
        InsnList insns = programs.get(index);
        Map<Integer, String> maps = new HashMap<>();
        for (int slot = 0; slot < insns.slots(); slot++) {
            if (insns.startsAt(slot) && insns.at(slot).equals(new Insn.CallHelper(Helper.TAIL_CALL.number()))) {
                maps.put(slot, "programs");
            }
        }
        return Facts.unverified(spec(index)).withMaps(maps);
    }

    int inKernel() {
        List<NativeFd> open = new ArrayList<>();
        try (Arena arena = Arena.ofConfined();
                FunctionBtf functions = new FunctionBtf()) {
            NativeFd counter = keep(open, Bpf.mapCreate(map("counter", MapType.ARRAY, 8, 1)));
            NativeFd array = keep(open, Bpf.mapCreate(map("programs", MapType.PROG_ARRAY, 4, SLOTS)));
            List<NativeFd> loaded = new ArrayList<>();
            for (InsnList program : programs) {
                loaded.add(keep(open, Bpf.progLoad(attributes(program, new Numbers(counter, array), functions))));
            }
            slots.forEach((slot, number) -> {
                MemorySegment key = arena.allocateFrom(JAVA_INT, slot);
                MemorySegment value =
                        arena.allocateFrom(JAVA_INT, loaded.get(number - 1).number());
                if (Bpf.mapUpdate(array, key, value, 0) != 0) {
                    throw new AssertionError("the kernel does not take program " + number);
                }
            });
            return Bpf.progTestRun(loaded.getFirst(), new byte[64]);
        } finally {
            open.reversed().forEach(NativeFd::close);
        }
    }

    private static NativeFd keep(List<NativeFd> open, NativeFd fd) {
        open.add(fd);
        return fd;
    }

    private static Bpf.MapAttributes map(String name, MapType type, int valueSize, int entries) {
        return new Bpf.MapAttributes(name, type.number(), 4, valueSize, entries, 0, 0, 0, 0);
    }

    private static Bpf.ProgAttributes attributes(InsnList program, Numbers numbers, FunctionBtf functions) {
        return new Bpf.ProgAttributes(
                "tail",
                Bpf.PROG_TYPE_SOCKET_FILTER,
                InsnEncoder.encode(program, numbers),
                "GPL",
                functions.of(ControlFlow.functions(program)));
    }

    private record Numbers(NativeFd counter, NativeFd array) implements SymbolEncoder {
        @Override
        public WideEncoding mapPointer(String name) {
            return new WideEncoding(WideEncoding.MAP_FD, array.number());
        }

        @Override
        public WideEncoding mapValue(String name, long offset) {
            return new WideEncoding(WideEncoding.MAP_VALUE, counter.number() | offset << 32);
        }

        @Override
        public WideEncoding kernelSymbol(String name) {
            throw new AssertionError(name);
        }

        @Override
        public KernelCall kernelFunction(String name) {
            throw new AssertionError(name);
        }
    }
}
