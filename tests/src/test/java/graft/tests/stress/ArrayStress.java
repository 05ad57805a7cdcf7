package graft.tests.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import graft.ebpf.maps.ArrayMap;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JJ_Result;

/** A value of eight bytes is stored and read at once. */
@JCStressTest
@Outcome(
        id = {"0, 0", "0, -1", "-1, -1"},
        expect = ACCEPTABLE,
        desc = "the old value until the new one is there")
@State
public class ArrayStress {
    private static final Turns<ArrayMap> MAPS =
            new Turns<>(MapSpec.of("stressed", MapType.ARRAY, Integer.BYTES, Long.BYTES, 1), ArrayMap.class::cast);
    private static final byte[] INDEX = new byte[Integer.BYTES];
    private static final byte[] ZEROS = new byte[Long.BYTES];
    private static final byte[] ONES = ones();

    private final ArrayMap map = MAPS.take();

    public ArrayStress() {
        Retry.untilDone(() -> map.update(INDEX, ZEROS, KeyedMap.ANY));
    }

    private static byte[] ones() {
        byte[] ones = new byte[Long.BYTES];
        Arrays.fill(ones, (byte) -1);
        return ones;
    }

    private long look() {
        return ByteBuffer.wrap(map.lookup(INDEX).orElseThrow()).getLong();
    }

    @Actor
    public void writer() {
        Retry.untilDone(() -> map.update(INDEX, ONES, KeyedMap.ANY));
    }

    @Actor
    public void reader(JJ_Result seen) {
        seen.r1 = look();
        seen.r2 = look();
    }
}
