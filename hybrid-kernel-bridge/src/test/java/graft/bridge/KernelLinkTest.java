package graft.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.MapSpec;
import graft.platform.address.FileOffset;
import graft.platform.linux.PerfEvent.Edge;
import graft.platform.linux.SharedRegion;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Programs run in the kernel, at events of a process of ours; needs root, gcc and clang. */
@Tag("slow")
class KernelLinkTest {
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();
    private static final String BY_PID = """
            struct {
              __uint(type, BPF_MAP_TYPE_HASH);
              __uint(max_entries, 64);
              __type(key, __u64);
              __type(value, __u64);
            } counts SEC(".maps");

            SEC("uprobe")
            int count(struct pt_regs *ctx)
            {
              __u64 key[2] = { bpf_get_attach_cookie(ctx), ARGUMENT1(ctx) & 7 };
              __u64 one = 1;
              __u64 sum = key[0] + key[1];
              __u64 *count = bpf_map_lookup_elem(&counts, &sum);
              if (count)
                __sync_fetch_and_add(count, 1);
              else
                bpf_map_update_elem(&counts, &sum, &one, BPF_NOEXIST);
              return 0;
            }
            """;

    @TempDir
    private Path folder;

    private Worker worker;
    private Worker other;

    @BeforeEach
    void start() throws IOException {
        Path file = Worker.compile(folder);
        worker = Worker.start(file);
        other = Worker.start(file);
    }

    @AfterEach
    void stop() {
        worker.close();
        other.close();
    }

    @Test
    void countsEntriesAndReturnsOfOneProcessExactly() throws IOException {
        try (KernelCollection loaded = Commands.loaded(Commands.object(folder, "count_array"), Set.of());
                KernelLink _ = uprobe(loaded, "count_enter", Edge.ENTRY, 0);
                KernelLink _ = uprobe(loaded, "count_exit", Edge.RETURN, 0)) {
            worker.does("call 1000");
            worker.does("thread 20");
            other.does("call 77");
            assertThat(count(loaded, 0)).isEqualTo(1020);
            assertThat(count(loaded, 1)).isEqualTo(1020);
        }
    }

    @Test
    void countsNothingAfterTheLinkIsClosed() throws IOException {
        try (KernelCollection loaded = Commands.loaded(Commands.object(folder, "count_array"), Set.of())) {
            KernelLink link = uprobe(loaded, "count_enter", Edge.ENTRY, 0);
            worker.does("call 10");
            link.close();
            link.close();
            worker.does("call 10");
            assertThat(count(loaded, 0)).isEqualTo(10);
        }
    }

    @Test
    void countsByArgumentAndCookieInAHash() throws IOException {
        try (KernelCollection loaded = Commands.loaded(Commands.source(folder, BY_PID), Set.of());
                KernelLink _ = uprobe(loaded, "count", Edge.ENTRY, 100)) {
            worker.does("call 804");
            KernelMap counts = loaded.maps().get("counts");
            Map<Long, Long> found = new HashMap<>();
            for (byte[] key : counts.keys()) {
                found.put(number(key), number(counts.lookup(key).orElseThrow()));
            }
            assertThat(found)
                    .containsExactlyInAnyOrderEntriesOf(Map.of(
                            100L, 101L, 101L, 101L, 102L, 101L, 103L, 101L, 104L, 100L, 105L, 100L, 106L, 100L, 107L,
                            100L));
            byte[] gone = counts.keys().getFirst();
            counts.delete(gone);
            counts.delete(gone); // as when a program was faster
            assertThat(counts.lookup(gone)).isEmpty();
        }
    }

    @Test
    void countsSystemCallsOfOneProcessExactly() throws IOException {
        Set<Integer> pids = Set.of(worker.pid(), Integer.MAX_VALUE);
        try (KernelCollection loaded = Commands.loaded(Commands.object(folder, "openat_events"), pids);
                KernelLink _ = tracepoint(loaded, "openat_enter", "sys_enter_openat");
                KernelLink _ = tracepoint(loaded, "openat_exit", "sys_exit_openat")) {
            worker.does("open 500");
            other.does("open 99");
            assertThat(count(loaded, 0)).isEqualTo(500);
            assertThat(count(loaded, 1)).isEqualTo(500);
            assertThat(count(loaded, 2)).isZero();
        }
    }

    @Test
    void readsEventsFromTheRing() throws IOException {
        try (KernelCollection loaded = Commands.loaded(Commands.object(folder, "ring_events"), Set.of());
                KernelLink _ = uprobe(loaded, "event_enter", Edge.ENTRY, 0);
                KernelLink _ = uprobe(loaded, "event_exit", Edge.RETURN, 0);
                KernelRingBuffer ring = KernelRingBuffer.open(loaded.maps().get("events"))) {
            List<Long> values = new ArrayList<>();
            // Twice around the ring of 256 KiB, 48 bytes a record: some lie across its end.
            for (int round = 0; round < 6; round++) {
                worker.does("call 1000");
                ring.drain(record -> {
                    assertThat(record.byteSize()).isEqualTo(40);
                    assertThat(record.get(ValueLayout.JAVA_LONG, 8) >>> 32).isEqualTo(worker.pid());
                    values.add(record.get(ValueLayout.JAVA_LONG, 16));
                });
            }
            List<Long> expected = new ArrayList<>();
            for (int i = 0; i < 6000; i++) {
                expected.add(i % 1000L);
                expected.add(i % 1000L * 2 + 1);
            }
            assertThat(values).isEqualTo(expected);
            assertThat(ring.await(Duration.ofMillis(1), _ -> {})).isZero();
        }
    }

    @Test
    void waitsForAnEvent() throws IOException {
        try (KernelCollection loaded = Commands.loaded(Commands.object(folder, "ring_events"), Set.of());
                KernelLink _ = uprobe(loaded, "event_enter", Edge.ENTRY, 0);
                KernelRingBuffer ring = KernelRingBuffer.open(loaded.maps().get("events"))) {
            Thread caller = Thread.ofPlatform().start(() -> worker.does("call 1"));
            assertThat(ring.await(Duration.ofSeconds(20), _ -> {})).isEqualTo(1);
            caller.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void theKernelAndThisProcessAddToOneArray() throws IOException {
        CollectionSpec spec = Commands.object(folder, "shared_sum");
        Map<String, MapSpec> maps = new HashMap<>(spec.maps());
        byte[] pid = ByteBuffer.allocate(4)
                .order(ByteOrder.nativeOrder())
                .putInt(worker.pid())
                .array();
        maps.computeIfPresent(".rodata", (_, data) -> withContent(data, pid));
        CollectionSpec watched = new CollectionSpec(spec.origin(), maps, spec.programs(), spec.btf());
        try (KernelMap sum = KernelMap.create(spec.maps().get("sum"), Optional.empty());
                SharedRegion memory = sum.share();
                KernelCollection loaded = Commands.loaded(watched, Map.of("sum", sum), Set.of());
                KernelLink _ = tracepoint(loaded, "in_kernel", "sys_enter_getppid");
                KernelLink _ = uprobe(loaded, "in_user", Edge.ENTRY, 0)) {
            Thread caller = Thread.ofPlatform().start(() -> worker.does("parent 20000"));
            for (int i = 0; i < 100_000; i++) {
                long _ = (long) LONG.getAndAdd(memory.segment(), 0L, 1L);
            }
            caller.join();
            worker.does("call 30");
            assertThat((long) LONG.getVolatile(memory.segment(), 0L)).isEqualTo(120_030);
            assertThat(number(sum.lookup(new byte[4]).orElseThrow())).isEqualTo(120_030);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static MapSpec withContent(MapSpec map, byte[] content) {
        return map.but().content(new MapSpec.Content(content)).build();
    }

    @Test
    void refusesWhatIsNotThere() throws IOException {
        try (KernelCollection loaded = Commands.loaded(Commands.object(folder, "openat_events"), Set.of())) {
            KernelProg prog = loaded.programs().get("openat_enter");
            assertThat(KernelLink.attachTracepoint(prog, "syscalls", "sys_enter_nothing", 0))
                    .isInstanceOfSatisfying(
                            KernelAttach.Refused.class,
                            refused -> assertThat(refused.why()).contains("no such tracepoint"));
            UprobePoint nowhere =
                    new UprobePoint(Edge.ENTRY, folder.resolve("nothing"), new FileOffset(0x1000), worker.pid());
            assertThat(KernelLink.attachUprobe(prog, nowhere, 0))
                    .isInstanceOfSatisfying(
                            KernelAttach.Refused.class,
                            refused -> assertThat(refused.why()).contains("ENOENT"));
        }
    }

    private KernelLink uprobe(KernelCollection loaded, String program, Edge edge, long cookie) {
        KernelProg prog = loaded.programs().get(program);
        return Commands.attached(KernelLink.attachUprobe(prog, worker.work(edge), cookie));
    }

    private static KernelLink tracepoint(KernelCollection loaded, String program, String name) {
        KernelProg prog = loaded.programs().get(program);
        return Commands.attached(KernelLink.attachTracepoint(prog, "syscalls", name, 0));
    }

    private static long count(KernelCollection loaded, int slot) {
        byte[] key = ByteBuffer.allocate(4)
                .order(ByteOrder.nativeOrder())
                .putInt(slot)
                .array();
        return number(loaded.maps().get("counts").lookup(key).orElseThrow());
    }

    private static long number(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).getLong();
    }
}
