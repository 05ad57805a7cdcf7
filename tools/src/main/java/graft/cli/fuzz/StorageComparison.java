package graft.cli.fuzz;

import graft.ebpf.btf.BtfBuilder;
import graft.ebpf.maps.MapAccess;
import graft.ebpf.maps.TaskStorageMap;
import graft.ebpf.object.MapSpec;
import graft.platform.linux.Bpf;
import graft.platform.linux.Errno;
import graft.platform.linux.NativeFd;
import graft.platform.linux.Pidfd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Random;

/** The same for values of threads. Keys are descriptors: of this process, of the first one, of a map, and none. */
final class StorageComparison implements AutoCloseable {
    private static final int SIGNED = 1;
    private static final int FLAGS = 10;
    private static final int FROZEN = 20;
    private static final int TRIES = 1000;

    private final MapCase one;
    private final Random random;
    private final TaskStorageMap ours;
    private final MapAccess access;
    private final NativeFd kernel;
    private final NativeFd self = Pidfd.open((int) ProcessHandle.current().pid(), 0);
    private final NativeFd first = Pidfd.open(1, 0);
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment key;
    private final MemorySegment value;

    StorageComparison(MapCase one, TaskStorageMap ours, NativeFd kernel) {
        this.one = one;
        this.random = new Random(~one.seed());
        this.ours = ours;
        this.access = new MapAccess(ours);
        this.kernel = kernel;
        this.key = arena.allocate(Integer.BYTES, 4);
        this.value = arena.allocate(one.spec().valueSize(), 8);
    }

    /** The types without which the kernel makes no such map: a number, and as many bytes as a value has. */
    static NativeFd types(MapSpec spec) {
        BtfBuilder types = new BtfBuilder();
        types.integer(types.reserve(), "int", Integer.BYTES, SIGNED);
        int bytes = types.reserve();
        int number = types.reserve();
        types.integer(number, "char", 1, 0);
        types.array(bytes, number, MapCase.KEY_TYPE, spec.valueSize());
        return Bpf.btfLoad(types.bytes());
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
        int[] descriptors = {self.number(), self.number(), first.number(), kernel.number(), -1};
        int descriptor = descriptors[random.nextInt(descriptors.length)];
        byte[] wanted = ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.nativeOrder())
                .putInt(descriptor)
                .array();
        key.copyFrom(MemorySegment.ofArray(wanted));
        return switch (random.nextInt(4)) {
            case 0 -> lookedUp(access.lookup(wanted));
            case 1 -> MapComparison.same("delete", -access.delete(wanted), Bpf.mapDelete(kernel, key));
            default -> {
                byte[] next = new byte[one.spec().valueSize()];
                random.nextBytes(next);
                value.copyFrom(MemorySegment.ofArray(next));
                long flags = random.nextInt(FLAGS);
                yield MapComparison.same(
                        "update " + flags, -access.update(wanted, next, flags), updatedInKernel(flags));
            }
        };
    }

    /** While a map that has just been closed takes its value from the thread, the kernel says {@code EAGAIN} and does nothing. */
    private int updatedInKernel(long flags) {
        int errno = Bpf.mapUpdate(kernel, key, value, flags);
        for (int again = 1; errno == Errno.EAGAIN && again < TRIES; again++) {
            Thread.yield();
            errno = Bpf.mapUpdate(kernel, key, value, flags);
        }
        return errno;
    }

    private Optional<String> lookedUp(MapAccess.Answer answer) {
        int errno = Bpf.mapLookup(kernel, key, value);
        String here = answer.error() + " " + HexFormat.of().formatHex(answer.value());
        String there = errno + " " + (errno == 0 ? HexFormat.of().formatHex(value.toArray(ValueLayout.JAVA_BYTE)) : "");
        return here.equals(there)
                ? Optional.empty()
                : Optional.of("lookup gives %s, in the kernel %s".formatted(here, there));
    }

    @Override
    public void close() {
        self.close();
        first.close();
        ours.close();
        kernel.close();
        arena.close();
    }
}
