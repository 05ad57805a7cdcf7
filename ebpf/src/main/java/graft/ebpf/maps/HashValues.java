package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Where the values of a hash's elements are: in the elements, or one for each CPU behind them. */
record HashValues(MapSpec spec, MapRegion region, HashGeometry geometry) {
    Optional<ValueLock> lock() {
        return spec.lock().isPresent()
                ? Optional.of(new ValueLock(region, spec, spec.lock().getAsInt()))
                : Optional.empty();
    }

    private ValueFields fields() {
        return new ValueFields(region, spec);
    }

    /** The timer of an element that goes, or is made, is none any more. */
    void endTimer(int element) {
        if (!isPerCpu()) {
            fields().endTimer(inElement(element));
        }
    }

    private boolean isPerCpu() {
        return geometry.cpus() > 0;
    }

    /** Bytes of a value as bpf(2) copies it. */
    int bytes() {
        return isPerCpu() ? geometry.cpus() * geometry.stride() : spec.valueSize();
    }

    /** True when a new value can be stored over the old one; otherwise a new element takes its place. */
    boolean changeInPlace() {
        return isPerCpu()
                || spec.fields().isEmpty() && spec.valueSize() <= Long.BYTES && Integer.bitCount(spec.valueSize()) == 1;
    }

    byte[] read(int element) {
        if (!isPerCpu()) {
            return fields().masked(region.read(inElement(element), spec.valueSize()));
        }
        byte[] all = new byte[bytes()];
        for (int cpu = 0; cpu < geometry.cpus(); cpu++) {
            region.read(ofCpu(element, cpu), all, cpu * geometry.stride(), spec.valueSize());
        }
        return all;
    }

    /** The value of each CPU without padding, or the one value. */
    List<byte[]> split(byte[] value) {
        if (!isPerCpu()) {
            return List.of(value);
        }
        List<byte[]> values = new ArrayList<>(geometry.cpus());
        for (int at = 0; at < value.length; at += geometry.stride()) {
            values.add(Arrays.copyOfRange(value, at, at + spec.valueSize()));
        }
        return values;
    }

    void write(int element, byte[] value) {
        if (!isPerCpu()) {
            fields().write(inElement(element), value);
            return;
        }
        for (int cpu = 0; cpu < geometry.cpus(); cpu++) {
            region.write(ofCpu(element, cpu), value, cpu * geometry.stride(), spec.valueSize());
        }
    }

    long inElement(int element) {
        return geometry.elementsOffset() + (long) element * geometry.elementSize() + geometry.valueOffset();
    }

    private long ofCpu(int element, int cpu) {
        return geometry.valuesOffset() + (long) cpu * geometry.cpuStride() + (long) element * geometry.stride();
    }
}
