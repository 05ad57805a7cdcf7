package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.SpecialField;
import graft.platform.layout.TimerLayout;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** Values of a map whose locks and timers nobody sees, and no store changes. */
record ValueFields(MapRegion region, MapSpec spec) {
    private List<SpecialField> inOrder() {
        return spec.fields().stream()
                .sorted(Comparator.comparingLong(SpecialField::offset))
                .toList();
    }

    /** A value with zeros in their place. */
    byte[] masked(byte[] value) {
        for (SpecialField field : spec.fields()) {
            Arrays.fill(value, (int) field.offset(), (int) (field.offset() + field.size()), (byte) 0);
        }
        return value;
    }

    /** Stores the rest. */
    void write(long at, byte[] value) {
        int from = 0;
        for (SpecialField field : inOrder()) {
            part(at, value, from, (int) field.offset());
            from = (int) (field.offset() + field.size());
        }
        part(at, value, from, value.length);
    }

    private void part(long at, byte[] value, int from, int end) {
        if (from < end) {
            region.write(at + from, value, from, end - from);
        }
    }

    /** The agent's {@code graft_end_timer}: whoever starts it just now looks at the state once more. */
    void endTimer(long at) {
        spec.timer().ifPresent(offset -> {
            region.setLongRelease(at + offset + TimerLayout.STATE, 0);
            region.setLongRelease(at + offset + TimerLayout.DUE, 0);
        });
    }
}
