package graft.tests.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import graft.ebpf.maps.ArrayMap;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.DamagedMapException;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.MapAccess;
import graft.ebpf.maps.MapCreation;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.KernelFacts;
import graft.ebpf.object.LoadResult;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.ObjectLoader;
import graft.platform.linux.Errno;
import graft.platform.linux.Signals;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Locks in values, between agents in other processes and the daemon's side here. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SpinLockTest {
    private static final Path OBJECT = Path.of("target/test-classes/bpf/spin_locks.bpf.o");
    private static final int ROUNDS = 300_000;
    private static final long LOCK = 4;
    private static final byte[] FIRST = new byte[Integer.BYTES];
    /** The number that agents count in, behind the lock. */
    private static final int NUMBER = 8;

    private Path program;
    private CollectionSpec object;

    @BeforeAll
    void compile(@TempDir Path folder) throws IOException, InterruptedException {
        program = AgentHost.compile(folder);
        object = switch (ObjectLoader.load("spin_locks.bpf.o", Files.readAllBytes(OBJECT), KernelFacts.NONE)) {
            case LoadResult.Loaded(var loaded, var _) -> loaded;
            case LoadResult.Refused refused -> throw new AssertionError(refused.toString());
        };
    }

    private ArrayMap array() {
        return (ArrayMap) created(object.maps().get("WORDS"));
    }

    private static BpfMap created(MapSpec spec) {
        return switch (MapCreation.create(spec)) {
            case MapCreation.Created(var map) -> map;
            case MapCreation.Refused refused -> throw new AssertionError(refused.toString());
        };
    }

    private AgentHost host(ArrayMap map) throws IOException {
        AgentHost host = AgentHost.start(program);
        assertThat(host.ask("array " + AgentHost.pathOf(map) + " 1")).isEqualTo("ok");
        return host;
    }

    private static long counted(ArrayMap map) {
        return ByteBuffer.wrap(map.lookup(FIRST).orElseThrow())
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong(NUMBER);
    }

    @Test
    void additionsUnderTheLockAreAllThere() throws IOException {
        try (ArrayMap map = array();
                AgentHost one = host(map);
                AgentHost other = host(map)) {
            CompletableFuture<Long> there = CompletableFuture.supplyAsync(() -> other.number("spin count " + ROUNDS));
            one.number("spin count " + ROUNDS);
            there.join();
            assertThat(counted(map)).isEqualTo(2L * ROUNDS);
            assertThat(one.number("spin leave 1")).isZero();
            assertThat(one.number("taken-over") + other.number("taken-over")).isZero();
        }
    }

    @Test
    void aThreadThatHoldsItTakesItAgain() throws IOException {
        try (ArrayMap map = array();
                AgentHost host = host(map)) {
            assertThat(host.number("spin take 1")).isEqualTo(host.pid());
            host.ask("spin take 1");
            assertThat(host.number("spin leave 1")).isEqualTo(host.pid());
            assertThat(host.number("spin leave 1")).isZero();
        }
    }

    /** Dead, or stopped and alive: the other one goes on, and what the first does later changes nothing. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theLockOfOneThatDoesNotGoOnIsTakenOver(boolean dies) throws IOException {
        try (ArrayMap map = array();
                AgentHost holder = host(map);
                AgentHost other = host(map)) {
            holder.ask("spin take 1");
            if (dies) {
                holder.kill();
            } else {
                Signals.kill(holder.pid(), Signals.SIGSTOP);
            }
            assertThat(other.number("spin take 1")).isEqualTo(other.pid());
            assertThat(other.number("taken-over")).isOne();
            if (!dies) {
                Signals.kill(holder.pid(), Signals.SIGCONT);
                assertThat(holder.number("spin leave 1")).isEqualTo(other.pid());
            }
            assertThat(other.number("spin leave 1")).isZero();
        }
    }

    @Test
    void theDaemonWaitsForNoStoppedHolder() throws IOException {
        try (ArrayMap map = array();
                AgentHost holder = host(map)) {
            holder.ask("spin take 1");
            Signals.kill(holder.pid(), Signals.SIGSTOP);
            byte[] value = new byte[map.valueBytes()];
            value[NUMBER] = 7;
            assertThat(map.update(FIRST, value, LOCK)).isZero();
            Signals.kill(holder.pid(), Signals.SIGCONT);
            assertThat(holder.number("spin leave 1")).isZero();
            assertThat(counted(map)).isEqualTo(7);
        }
    }

    /** Every process that has the map can write to it. One writer might lose its processor for as long as a lock is waited for. */
    @Test
    void nobodyWaitsForEverForOwnersThatChange() throws IOException, InterruptedException {
        try (ArrayMap map = array();
                AgentHost host = host(map);
                Arena memory = Arena.ofShared();
                FileChannel file = FileChannel.open(
                        Path.of(AgentHost.pathOf(map)), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MemorySegment lock = file.map(FileChannel.MapMode.READ_WRITE, 0, file.size(), memory)
                    .asSlice(map.dataAddress(0), Integer.BYTES);
            AtomicBoolean over = new AtomicBoolean();
            int owner = (int) ProcessHandle.current().pid();
            lock.set(ValueLayout.JAVA_INT, 0, owner);
            List<Thread> writers = Stream.generate(() -> Thread.ofPlatform().start(() -> {
                        for (int word = owner; !over.get(); word ^= 1 << 31) {
                            ValueLayout.JAVA_INT.varHandle().setVolatile(lock, 0L, word);
                        }
                    }))
                    .limit(4)
                    .toList();
            try {
                CompletableFuture<Long> there = CompletableFuture.supplyAsync(() -> host.number("spin count 1"));
                assertThatThrownBy(() -> map.update(FIRST, new byte[map.valueBytes()], LOCK))
                        .isInstanceOf(DamagedMapException.class);
                there.join();
                assertThat(host.number("taken-over")).isOne();
            } finally {
                over.set(true);
                for (Thread writer : writers) {
                    writer.join();
                }
            }
        }
    }

    @Test
    void updatesLeaveTheLockAndLookupsHideIt() throws IOException {
        try (ArrayMap map = array();
                AgentHost holder = host(map)) {
            long word = holder.number("spin take 1");
            byte[] value = new byte[map.valueBytes()];
            java.util.Arrays.fill(value, (byte) -1);
            assertThat(map.update(FIRST, value, KeyedMap.ANY)).isZero();
            assertThat(holder.number("spin take 1") & 0x3fffff).isEqualTo(word);
            java.util.Arrays.fill(value, 0, Integer.BYTES, (byte) 0);
            assertThat(map.lookup(FIRST)).contains(value);
        }
    }

    /** kernel/bpf/arraymap.c and hashtab.c. */
    @Test
    void flagsAreTheKernels() {
        try (BpfMap array = created(object.maps().get("ARRAY"));
                BpfMap hash = created(object.maps().get("HASH"));
                BpfMap plain = created(object.maps().get("RESULTS"))) {
            MapAccess inArray = new MapAccess(array);
            MapAccess inHash = new MapAccess(hash);
            byte[] value = new byte[inHash.valueBytes()];
            byte[] key = new byte[Long.BYTES];
            assertThat(inHash.update(key, value, LOCK | KeyedMap.EXIST)).isEqualTo(Errno.ENOENT);
            assertThat(inHash.update(key, value, LOCK)).isZero();
            assertThat(inHash.update(key, value, LOCK | KeyedMap.NOEXIST)).isEqualTo(Errno.EEXIST);
            assertThat(inHash.update(key, value, LOCK | 3)).isEqualTo(Errno.EINVAL);
            assertThat(inHash.lookup(key, LOCK).error()).isZero();
            assertThat(inHash.lookup(key, 1).error()).isEqualTo(Errno.EINVAL);
            assertThat(inArray.update(FIRST, value, LOCK | KeyedMap.NOEXIST)).isEqualTo(Errno.EEXIST);
            assertThat(inArray.update(FIRST, value, LOCK)).isZero();
            assertThat(inArray.lookup(FIRST, LOCK).error()).isZero();
            assertThat(new MapAccess(plain).update(FIRST, new byte[Long.BYTES], LOCK))
                    .isEqualTo(Errno.EINVAL);
            assertThat(new MapAccess(plain).lookup(FIRST, LOCK).error()).isEqualTo(Errno.EINVAL);
        }
    }
}
