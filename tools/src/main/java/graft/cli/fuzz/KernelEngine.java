package graft.cli.fuzz;

import graft.ebpf.insn.ControlFlow;
import graft.ebpf.insn.InsnEncoder;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.KernelCall;
import graft.ebpf.insn.SymbolEncoder;
import graft.ebpf.insn.WideEncoding;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.linux.Bpf;
import graft.platform.linux.BpfProgram;
import graft.platform.linux.FunctionBtf;
import graft.platform.linux.NativeFd;
import graft.platform.linux.SharedRegion;
import graft.platform.linux.SysException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * The kernel, with maps that all programs share. Programs get their context as they are told, but for those that make tail
 * calls: the kernel lets no program of that type make them. Serves all threads: they load at the same time, which is what
 * takes long, and run one after the other. Needs root.
 */
final class KernelEngine implements AutoCloseable {
    private static final int MMAPABLE = 1 << 10;
    private static final int PAGE = 4096;
    private static final int LOG_LINES = 6;

    private final FunctionBtf functions = new FunctionBtf();
    private final NativeFd map;
    private final SharedRegion value;
    private final NativeFd programs;
    private final NativeFd arena;
    private final SharedRegion arenaMemory;

    KernelEngine() {
        this.map = Bpf.mapCreate(new Bpf.MapAttributes(
                MemoryStatements.MAP, MapType.ARRAY.number(), 4, ProgramGenerator.VALUE_BYTES, 1, MMAPABLE, 0, 0, 0));
        this.value = SharedRegion.map(map, PAGE, SharedRegion.Access.READ_WRITE);
        this.programs = Bpf.mapCreate(new Bpf.MapAttributes(
                ProgramGenerator.PROGRAMS,
                MapType.PROG_ARRAY.number(),
                4,
                4,
                ProgramGenerator.PROGRAM_SLOTS,
                0,
                0,
                0,
                0));
        MapSpec spec = ArenaStatements.ARENA;
        this.arena = Bpf.mapCreate(new Bpf.MapAttributes(
                spec.name(), spec.type().number(), 0, 0, spec.maxEntries(), spec.flags(), 0, 0, 0, spec.extra()));
        long bytes = ArenaStatements.AREA.bytes();
        this.arenaMemory = SharedRegion.mapAt(arena, spec.extra(), bytes, SharedRegion.Access.READ_WRITE);
    }

    /** How the map is written in instructions. */
    SymbolEncoder symbols() {
        return new Numbers();
    }

    /** The map's descriptor. */
    int mapNumber() {
        return map.number();
    }

    Ending run(FuzzCase one) {
        try (BpfProgram program = load(one, one.insns())) {
            return one.other().isPresent() ? runWithOther(one, program) : runAlone(one, program);
        } catch (SysException refused) {
            return new Ending.Failed(refused.getMessage());
        }
    }

    private Ending runAlone(FuzzCase one, BpfProgram program) {
        synchronized (map) {
            prepare(one);
            int r0 = program.runWithContext(one.context());
            byte[] arena = arenaMemory.segment().toArray(ValueLayout.JAVA_BYTE);
            return new Ending.Done(r0, ArenaStatements.behind(valueAfter(one), arena));
        }
    }

    private Ending runWithOther(FuzzCase one, BpfProgram program) {
        try (BpfProgram other = load(one, one.other().orElseThrow())) {
            synchronized (map) {
                prepare(one);
                other.putInto(programs, 0);
                program.putInto(programs, 1);
                int r0 = program.run(one.context());
                return new Ending.Done(r0, valueAfter(one));
            }
        }
    }

    private void prepare(FuzzCase one) {
        MemorySegment.copy(one.value(), 0, value.segment(), ValueLayout.JAVA_BYTE, 0, one.value().length);
        arenaMemory.segment().fill((byte) 0);
    }

    private byte[] valueAfter(FuzzCase one) {
        byte[] after = new byte[one.value().length];
        MemorySegment.copy(value.segment(), ValueLayout.JAVA_BYTE, 0, after, 0, after.length);
        return after;
    }

    private BpfProgram load(FuzzCase one, InsnList insns) {
        return BpfProgram.load(type(one), encode(insns), types(insns));
    }

    private static int type(FuzzCase one) {
        return one.other().isPresent() ? BpfProgram.SOCKET_FILTER : BpfProgram.SYSCALL;
    }

    /** The last lines of what the kernel's verifier says: of both programs, where there are two. */
    String log(FuzzCase one) {
        String text = log(one, one.insns());
        return one.other().map(other -> text + "\n" + log(one, other)).orElse(text);
    }

    private String log(FuzzCase one, InsnList insns) {
        List<String> lines = BpfProgram.log(type(one), encode(insns), types(insns))
                .lines()
                .filter(line -> !line.startsWith("("))
                .toList();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - LOG_LINES), lines.size()));
    }

    private Bpf.FunctionTypes types(InsnList insns) {
        return functions.of(ControlFlow.functions(insns));
    }

    private byte[] encode(InsnList insns) {
        return InsnEncoder.encode(insns, new Numbers());
    }

    @Override
    public void close() {
        functions.close();
        programs.close();
        arenaMemory.close();
        arena.close();
        value.close();
        map.close();
    }

    private final class Numbers implements SymbolEncoder {
        @Override
        public WideEncoding mapPointer(String name) {
            return new WideEncoding(
                    WideEncoding.MAP_FD, (name.equals(ProgramGenerator.PROGRAMS) ? programs : map).number());
        }

        @Override
        public WideEncoding mapValue(String name, long offset) {
            NativeFd of = name.equals(ArenaStatements.ARENA.name()) ? arena : map;
            return new WideEncoding(WideEncoding.MAP_VALUE, of.number() | offset << 32);
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
