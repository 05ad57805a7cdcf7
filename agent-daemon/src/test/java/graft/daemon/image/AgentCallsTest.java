package graft.daemon.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import graft.attach.AgentSyscall;
import graft.ebpf.helper.Helper;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.proc.ClockOffsets;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AgentCallsTest {
    @ParameterizedTest
    @EnumSource
    void knowsWhatEveryHelperCalls(Helper helper) {
        assertThatCode(() -> new AgentCalls(environment()).add(helper)).doesNotThrowAnyException();
    }

    /** Those that take a lock sleep for an owner that has lost its processor (thread.c, spin.c). */
    @ParameterizedTest
    @EnumSource(
            names = {
                "ARENA_ALLOC_PAGES",
                "ARENA_FREE_PAGES",
                "ARENA_RESERVE_PAGES",
                "FORGET_TASK",
                "GET_STACKID",
                "MAP_DELETE_ELEM",
                "MAP_PEEK_ELEM",
                "MAP_POP_ELEM",
                "MAP_PUSH_ELEM",
                "MAP_UPDATE_ELEM",
                "PERF_EVENT_OUTPUT",
                "RINGBUF_OUTPUT",
                "RINGBUF_RESERVE",
                "RINGBUF_RESERVE_DYNPTR",
                "SPIN_LOCK",
                "TASK_STORAGE_DELETE",
                "TASK_STORAGE_GET",
                "TRACE_PRINTK",
                "TRACE_VPRINTK"
            })
    void whoTakesALockMaySleep(Helper helper) {
        assertThat(calls(helper)).contains(AgentSyscall.SCHED_YIELD, AgentSyscall.FUTEX);
    }

    @Test
    void whoWaitsForALockInAValueLooksAtTheClock() {
        assertThat(calls(Helper.SPIN_LOCK)).contains(AgentSyscall.CLOCK_GETTIME);
    }

    @Test
    void lookupsTakeLocksInTriesAlone() {
        assertThat(callsOfLookups(MapType.HASH)).isEmpty();
        assertThat(callsOfLookups(MapType.LPM_TRIE)).contains(AgentSyscall.SCHED_YIELD, AgentSyscall.FUTEX);
    }

    private static Set<AgentSyscall> calls(Helper helper) {
        return AgentCalls.of(environment(), Set.of(helper), List.of());
    }

    private static Set<AgentSyscall> callsOfLookups(MapType type) {
        return AgentCalls.of(environment(), Set.of(Helper.MAP_LOOKUP_ELEM), List.of(MapSpec.of("map", type, 8, 8, 4)));
    }

    private static TargetEnvironment environment() {
        return new TargetEnvironment(
                1,
                OptionalInt.empty(),
                Optional.empty(),
                0,
                0,
                OptionalInt.empty(),
                OptionalInt.empty(),
                Optional.empty(),
                ClockOffsets.NONE,
                Optional.empty(),
                Optional.empty(),
                TargetEnvironment.SystemCalls.FREE,
                ForkedChildren.FOLLOWED);
    }
}
