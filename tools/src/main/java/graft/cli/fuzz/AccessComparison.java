package graft.cli.fuzz;

import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.MapAccess;
import graft.ebpf.object.MapType;
import graft.platform.linux.Bpf;
import graft.platform.linux.NativeFd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/**
 * The same for arrays of programs, and for types whose elements bpf(2) does not reach: what is asked of them gives the same
 * errnos. Needs root.
 */
final class AccessComparison implements AutoCloseable {
    private static final int PROGRAMS = 3;
    private static final int FLAGS = 10;
    private static final int FROZEN = 20;
    private static final int SMALLEST = 8;
    private static final int SOCKET_FILTER = 1;
    /** {@code r0 = 0; exit}. */
    private static final byte[] NOTHING = {(byte) 0xb7, 0, 0, 0, 0, 0, 0, 0, (byte) 0x95, 0, 0, 0, 0, 0, 0, 0};

    private final MapCase one;
    private final Random random;
    private final BpfMap ours;
    private final MapAccess access;
    private final NativeFd kernel;
    private final List<NativeFd> programs = new ArrayList<>();
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment key;
    private final MemorySegment value;

    AccessComparison(MapCase one, BpfMap ours, NativeFd kernel) {
        this.one = one;
        this.random = new Random(~one.seed());
        this.ours = ours;
        this.access = new MapAccess(ours, MapAccess.Naming.DESCRIPTOR, PROGRAMS);
        this.kernel = kernel;
        this.key = one.spec().keySize() == 0
                ? MemorySegment.NULL
                : arena.allocate(one.spec().keySize(), SMALLEST);
        this.value = arena.allocate(Math.max(one.spec().valueSize(), SMALLEST), SMALLEST);
        while (isProgramArray() && programs.size() < PROGRAMS) {
            programs.add(Bpf.progLoad(
                    new Bpf.ProgAttributes("fuzzed", SOCKET_FILTER, NOTHING, "GPL", Bpf.FunctionTypes.NONE)));
        }
    }

    private boolean isProgramArray() {
        return one.spec().type() == MapType.PROG_ARRAY;
    }

    /** What differs in so many operations, or nothing. */
    Optional<String> compare(int operations) {
        return operations("", operations)
                .or(() -> MapComparison.same("freeze", ours.freeze(), Bpf.tryMapFreeze(kernel)))
                .or(() -> operations("frozen, ", FROZEN));
    }

    private Optional<String> operations(String when, int count) {
        for (int i = 0; i < count; i++) {
            Optional<String> difference = operation();
            if (difference.isPresent()) {
                return Optional.of("%s, %soperation %d: %s".formatted(one, when, i, difference.get()));
            }
        }
        return Optional.empty();
    }

    private Optional<String> operation() {
        byte[] wanted = new byte[one.spec().keySize()];
        if (wanted.length > 0) {
            wanted[0] = (byte) random.nextInt(one.keys());
            key.copyFrom(MemorySegment.ofArray(wanted));
        }
        return switch (random.nextInt(5)) {
            case 0, 1 -> lookedUp(access.lookup(wanted));
            case 2 -> MapComparison.same("delete", -access.delete(wanted), Bpf.mapDelete(kernel, key));
            case 3 -> MapComparison.same("take", -access.take().error(), Bpf.mapLookupAndDelete(kernel, key, value));
            default -> updated(wanted);
        };
    }

    /** With one of the programs, or with a descriptor that is none. */
    private Optional<String> updated(byte[] wanted) {
        int number = random.nextInt(programs.size() + 1);
        int descriptor = number == 0 ? -1 : programs.get(number - 1).number();
        value.set(ValueLayout.JAVA_INT, 0, descriptor);
        long flags = random.nextInt(3) == 0 ? random.nextInt(FLAGS) : 0;
        byte[] next = new byte[one.spec().valueSize()];
        if (next.length == Integer.BYTES) {
            ByteBuffer.wrap(next).order(ByteOrder.LITTLE_ENDIAN).putInt(number);
        }
        return MapComparison.same(
                "update " + flags, -access.update(wanted, next, flags), Bpf.mapUpdate(kernel, key, value, flags));
    }

    /** Programs are known by what was put in for them: the kernel gives ids, and other ones at each load. */
    private Optional<String> lookedUp(MapAccess.Answer answer) {
        int errno = Bpf.mapLookup(kernel, key, value);
        boolean same =
                answer.error() == errno && (errno != 0 || idOf(answer.value()) == value.get(ValueLayout.JAVA_INT, 0));
        return same
                ? Optional.empty()
                : Optional.of("lookup gives %d, in the kernel %d".formatted(-answer.error(), -errno));
    }

    private int idOf(byte[] number) {
        return Bpf.progId(programs.get(
                ByteBuffer.wrap(number).order(ByteOrder.LITTLE_ENDIAN).getInt() - 1));
    }

    @Override
    public void close() {
        programs.forEach(NativeFd::close);
        ours.close();
        kernel.close();
        arena.close();
    }
}
