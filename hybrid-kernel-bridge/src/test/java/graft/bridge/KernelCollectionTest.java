package graft.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.linux.NativeFd;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Loads into the running kernel; needs root and clang. */
@Tag("slow")
class KernelCollectionTest {
    @TempDir
    private Path folder;

    @Test
    void loadsMapsAndPrograms() throws IOException {
        try (KernelCollection loaded = Commands.loaded(Commands.object(folder, "ring_events"), Set.of())) {
            assertThat(loaded.maps()).containsOnlyKeys("events");
            assertThat(loaded.programs()).containsOnlyKeys("event_enter", "event_exit");
        }
    }

    @Test
    void givesTheTypesOfMapsToTheKernel() throws IOException {
        assertThat(ObjectTypes.load(Commands.object(folder, "count_array"))).hasValueSatisfying(NativeFd::close);
    }

    @Test
    void tellsWhereAndWhyTheKernelRejects() throws IOException {
        assertThat(rejected("refused_null")).satisfies(rejected -> {
            assertThat(rejected.program()).isEqualTo("no_null_test");
            assertThat(rejected.reason()).contains("invalid mem access 'map_value_or_null'");
            assertThat(rejected.instruction()).contains("(r0 +0)");
            assertThat(rejected.where()).endsWith("refused_null.bpf.c:22");
            assertThat(rejected.log().lines().count()).isBetween(2L, 12L);
        });
        assertThat(rejected("refused_bounds").reason()).contains("unbounded min value");
        assertThat(rejected("refused_pointer").reason()).contains("invalid mem access 'scalar'");
        assertThat(rejected("refused_leak").reason()).contains("reference leak");
    }

    private KernelLoad.Rejected rejected(String object) throws IOException {
        KernelLoad load = KernelCollection.load(Commands.object(folder, object), Map.of(), Set.of());
        assertThat(load).isInstanceOf(KernelLoad.Rejected.class);
        return (KernelLoad.Rejected) load;
    }

    @Test
    void theFilterDoesNotShiftTheRejectedLine() throws IOException {
        CollectionSpec spec = Commands.source(folder, """
                SEC("tracepoint/syscalls/sys_enter_openat")
                int bad(void *ctx)
                {
                  return *(int *)(ctx + 20000);
                }
                """);
        KernelLoad load = KernelCollection.load(spec, Map.of(), Set.of(1, 2, 3));
        assertThat(load)
                .isInstanceOfSatisfying(
                        KernelLoad.Rejected.class,
                        rejected -> assertThat(rejected.where()).endsWith("source.bpf.c:7"));
    }

    @Test
    void loadsCallbacksAndSubprogramsBehindTheFilter() throws IOException {
        CollectionSpec spec = Commands.source(folder, """
                static int step(__u32 i, void *sum)
                {
                  *(__u64 *)sum += i;
                  return 0;
                }

                __attribute__((noinline)) static __u64 twice(__u64 n)
                {
                  __asm__ volatile("" : "+r"(n));
                  return 2 * n;
                }

                SEC("tracepoint/syscalls/sys_enter_openat")
                int loops(void *ctx)
                {
                  __u64 sum = 0;
                  bpf_loop(10, step, &sum, 0);
                  return twice(sum) == 90;
                }
                """);
        Commands.loaded(spec, Set.of(1, 2)).close();
    }

    @Test
    void tellsWhyTheLoaderGaveUpOnAnInstruction() throws IOException {
        CollectionSpec spec = Commands.source(folder, """
                struct task_struct {
                  int no_such_member;
                } __attribute__((preserve_access_index));

                SEC("uprobe")
                int reads(void *ctx)
                {
                  struct task_struct *task = (void *)bpf_get_current_task();
                  int value = 0;
                  bpf_probe_read_kernel(&value, sizeof(value), &task->no_such_member);
                  return value;
                }
                """);
        assertThat(KernelCollection.load(spec, Map.of(), Set.of()))
                .isInstanceOfSatisfying(
                        KernelLoad.Rejected.class,
                        rejected -> assertThat(rejected.reason()).contains("has task_struct.no_such_member"));
    }

    /** A wrong branch would be reachable and read from a random address, which the kernel rejects. */
    @Test
    void resolvesSymbolsOfTheKernel() throws IOException {
        CollectionSpec spec = Commands.source(folder, """
                extern const void _stext __ksym __weak;
                extern const void no_such_symbol __ksym __weak;
                extern const struct rq runqueues __ksym __weak;

                SEC("uprobe")
                int uses(void *ctx)
                {
                  volatile int *wrong = (void *)(long)bpf_get_prandom_u32();
                  if (!&_stext || &no_such_symbol)
                    return *wrong;
                  return &runqueues && bpf_per_cpu_ptr(&runqueues, 0);
                }
                """);
        Commands.loaded(spec, Set.of()).close();
        assertThat(ObjectTypes.load(spec)).hasValueSatisfying(NativeFd::close);
    }

    @Test
    void refusesMapsThatTheKernelDoesNotCreate() {
        MapSpec none = MapSpec.of("none", MapType.ARRAY, 4, 8, 0);
        CollectionSpec spec = new CollectionSpec("test", Map.of("none", none), Map.of(), Optional.empty());
        assertThat(KernelCollection.load(spec, Map.of(), Set.of()))
                .isInstanceOfSatisfying(KernelLoad.Refused.class, refused -> {
                    assertThat(refused.what()).isEqualTo("map none");
                    assertThat(refused.why()).contains("EINVAL");
                });
    }

    @Test
    void refusesASharedMapOfAnotherShape() throws IOException {
        try (KernelMap other = KernelMap.create(MapSpec.of("counts", MapType.ARRAY, 4, 4, 2), Optional.empty())) {
            KernelLoad load =
                    KernelCollection.load(Commands.object(folder, "count_array"), Map.of("counts", other), Set.of());
            assertThat(load)
                    .isInstanceOfSatisfying(
                            KernelLoad.Refused.class,
                            refused -> assertThat(refused.why()).contains("values of 4 bytes"));
        }
    }
}
