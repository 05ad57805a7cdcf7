package graft.daemon.timer;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.MapCreation;
import graft.ebpf.maps.MapTimers;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import graft.ebpf.object.SpecialField;
import graft.ebpf.verifier.Facts;
import graft.platform.layout.TimerLayout;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class TimerServiceTest {
    private static final String MAP = "timed";
    private static final long MONOTONIC = 1;

    /** A function that never returns. */
    private static ProgSpec endless() {
        InsnList insns = InsnList.of(new Insn.Jump(Insn.Jump.Form.SHORT, -1), new Insn.Exit());
        return new ProgSpec(
                "endless",
                "uprobe",
                ProgType.UPROBE,
                Optional.empty(),
                insns,
                List.of(new ProgSpec.Function("endless", 0, insns.slots(), 0)),
                List.of(),
                "GPL");
    }

    private static BpfMap map() {
        MapSpec plain = MapSpec.of(MAP, MapType.ARRAY, Integer.BYTES, TimerLayout.SIZE, 1);
        SpecialField timer = new SpecialField(SpecialField.Kind.TIMER, 0, TimerLayout.SIZE);
        MapSpec spec = new MapSpec(
                plain.name(),
                plain.type(),
                plain.keySize(),
                plain.valueSize(),
                plain.maxEntries(),
                plain.flags(),
                plain.keyType(),
                plain.valueType(),
                plain.content(),
                plain.access(),
                plain.inner(),
                plain.slots(),
                plain.extra(),
                List.of(timer));
        return ((MapCreation.Created) MapCreation.create(spec)).map();
    }

    private static boolean runs() {
        return Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().equals("graft-timers-" + MAP));
    }

    /** The memory is unmapped next. */
    @Test
    @Timeout(60)
    void noFunctionRunsWhenItIsClosedAlsoByAThreadThatIsInterrupted() {
        ProgSpec program = endless();
        TimerFunctions functions = new TimerFunctions();
        functions.add(program, Facts.unverified(program).withTimerFunctions(Map.of(0, 0)));
        try (BpfMap map = map()) {
            MapTimers timers = MapTimers.of(map).orElseThrow();
            assertThat(timers.init(0, MONOTONIC)).isZero();
            assertThat(timers.setFunction(0, functions.count())).isZero();
            assertThat(timers.start(0, 0, 0, new KernelClocks())).isZero();
            TimerService service = TimerService.start(functions, Map.of(MAP, map));
            while (timers.see(0).isPresent()) {
                Thread.onSpinWait();
            }
            Thread.currentThread().interrupt();
            service.close();
            assertThat(Thread.interrupted()).isTrue();
            assertThat(runs()).isFalse();
        }
    }
}
