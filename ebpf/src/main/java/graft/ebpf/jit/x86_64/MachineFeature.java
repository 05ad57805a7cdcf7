package graft.ebpf.jit.x86_64;

import graft.platform.proc.CpuFlags;
import java.util.EnumSet;
import java.util.Set;

/** What not every x86-64 processor can do and code is shorter with. */
public enum MachineFeature {
    /** Shifts by a count in any register. */
    BMI2("bmi2"),
    /** The number of the running processor, as the kernel noted it, without a call. */
    RDPID("rdpid"),
    /** Lines that are going to be written can be asked for. */
    PREFETCHW("3dnowprefetch"),
    /** Transactions: loads in them that fault end them and raise no signal. */
    RTM("rtm");

    private final String flag;

    MachineFeature(String flag) {
        this.flag = flag;
    }

    /** What {@code flags} say. */
    public static Set<MachineFeature> of(CpuFlags flags) {
        Set<MachineFeature> features = EnumSet.noneOf(MachineFeature.class);
        for (MachineFeature feature : values()) {
            if (flags.has(feature.flag)) {
                features.add(feature);
            }
        }
        return features;
    }
}
