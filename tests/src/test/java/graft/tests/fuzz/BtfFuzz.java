package graft.tests.fuzz;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfFormatException;
import graft.ebpf.btf.ValueFormatter;
import java.util.Optional;
import java.util.OptionalInt;

/** Type information by itself: every type, its size, its name, and a value shown as it. */
public final class BtfFuzz {
    private static final int TYPES = 200;
    private static final byte[] VALUE = new byte[64];

    private BtfFuzz() {}

    /** Jazzer's entry. */
    public static void fuzzerTestOneInput(byte[] input) {
        Outcome.valueOr(BtfFormatException.class, () -> {
            Btf btf = Btf.parse(input);
            ValueFormatter formatter = new ValueFormatter(Optional.of(btf));
            for (int id = 0; id < Math.min(btf.count(), TYPES); id++) {
                int type = id;
                each(() -> Outcome.says(btf.type(type).toString(), btf));
                each(() -> btf.size(type));
                each(() -> btf.resolved(type));
                each(() -> formatter.format(VALUE, OptionalInt.of(type)).toString());
            }
            each(() -> btf.named("task_struct"));
        });
    }

    private static void each(Runnable part) {
        Outcome.valueOr(BtfFormatException.class, part);
    }
}
