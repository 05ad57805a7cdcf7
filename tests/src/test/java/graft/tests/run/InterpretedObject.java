package graft.tests.run;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Wide;
import graft.ebpf.interp.Environment;
import graft.ebpf.interp.Interpreter;
import graft.ebpf.interp.ProgramFault;
import graft.ebpf.interp.Regions;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.KernelFacts;
import graft.ebpf.object.LoadResult;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ObjectLoader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** A program at a function's entry, with its arrays and one ring buffer that nobody reads, in the interpreter. */
final class InterpretedObject implements Environment {
    private static final long STACK_END = 0x7000_0000_0000L;
    private static final long CONTEXT = 0x1000_0000L;
    private static final int CONTEXT_BYTES = 168;
    private static final int FIRST_ARGUMENT = 112;
    private static final int FRAMES = 8;
    private static final int STEPS = 1_000_000;
    private static final long AREA = 1L << 32;
    private static final int RING_BYTES = 1 << 20;
    private static final int AVAILABLE = 0;

    private final Map<String, Long> addresses = new HashMap<>();
    private final Map<Long, MapSpec> maps = new HashMap<>();
    private final Map<String, byte[]> values = new HashMap<>();
    private final Regions memory = new Regions();
    private final byte[] context = new byte[CONTEXT_BYTES];
    private final Interpreter program;
    private long reserved;
    private long ring;

    InterpretedObject(Path object, String program) throws IOException {
        LoadResult read = ObjectLoader.load(object.toString(), Files.readAllBytes(object), KernelFacts.NONE);
        if (!(read instanceof LoadResult.Loaded(CollectionSpec spec, var _))) {
            throw new AssertionError(read);
        }
        long next = AREA;
        for (MapSpec map : spec.maps().values()) {
            addresses.put(map.name(), next);
            maps.put(next, map);
            boolean isRing = map.type() == MapType.RINGBUF;
            byte[] area = new byte[isRing ? RING_BYTES : map.maxEntries() * map.valueSize()];
            System.arraycopy(map.content().bytes(), 0, area, 0, map.content().bytes().length);
            values.put(map.name(), area);
            memory.add(next + Long.BYTES, area);
            ring = isRing ? next + Long.BYTES : ring;
            next += AREA;
        }
        memory.add(CONTEXT, context);
        memory.add(STACK_END - FRAMES * Interpreter.FRAME_BYTES, new byte[FRAMES * Interpreter.FRAME_BYTES]);
        this.program = new Interpreter(spec.programs().get(program).insns(), memory, this);
    }

    /** Runs it for a call with one argument. */
    void run(long argument) {
        ByteBuffer.wrap(context).order(ByteOrder.LITTLE_ENDIAN).putLong(FIRST_ARGUMENT, argument);
        program.run(CONTEXT, STACK_END, STEPS);
    }

    /** The content of an array. */
    ByteBuffer values(String map) {
        return ByteBuffer.wrap(values.get(map)).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public long call(int number, long[] arguments, Functions functions) {
        return switch (Helper.byNumber(number).orElseThrow()) {
            case MAP_LOOKUP_ELEM -> {
                MapSpec map = maps.get(arguments[0]);
                long index = memory.read(arguments[1], MemSize.W);
                yield index < map.maxEntries() ? arguments[0] + Long.BYTES + index * map.valueSize() : 0;
            }
            case RINGBUF_RESERVE -> reserve(arguments[1]);
            case RINGBUF_SUBMIT, RINGBUF_DISCARD -> 0;
            case RINGBUF_QUERY -> arguments[1] == AVAILABLE ? reserved : 0;
            default -> throw new ProgramFault("call of helper " + number);
        };
    }

    /** Each record has a header of 8 bytes, and begins at a multiple of 8. */
    private long reserve(long size) {
        long room = size + Long.BYTES + 7 & ~7L;
        if (reserved + room > RING_BYTES) {
            return 0;
        }
        reserved += room;
        return ring + reserved - room + Long.BYTES;
    }

    @Override
    public long resolve(Wide wide) {
        return switch (wide) {
            case Wide.MapPointer(String map) -> addresses.get(map);
            case Wide.MapValue(String map, long offset) -> addresses.get(map) + Long.BYTES + offset;
            default -> throw new ProgramFault("use of " + wide);
        };
    }
}
