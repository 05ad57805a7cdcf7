package graft.daemon.timer;

import graft.ebpf.maps.MapTimers;
import graft.platform.linux.Time;
import graft.platform.proc.ClockOffsets;

/** The kernel's clocks, whatever time namespace this process is in. */
final class KernelClocks implements MapTimers.Now {
    private final ClockOffsets ahead = ClockOffsets.own();

    @Override
    public long of(MapTimers.Clock clock) {
        return switch (clock) {
            case MONOTONIC -> Time.clockGettime(Time.CLOCK_MONOTONIC) - ahead.monotonic();
            case BOOT -> Time.clockGettime(Time.CLOCK_BOOTTIME) - ahead.boot();
        };
    }

    static long tai() {
        return Time.clockGettime(Time.CLOCK_TAI);
    }
}
