package graft.attach;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Injection.Protection;
import graft.attach.Injection.Region;
import graft.platform.address.RemoteAddress;
import graft.platform.linux.Bpf;
import graft.platform.linux.Mman;
import graft.platform.linux.NativeFd;
import graft.platform.linux.ProcMem;
import graft.platform.linux.SharedRegion;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
@Timeout(60)
class RegionTest {
    private static final int PAGE = 4096;
    private static final long BELOW_POOL = 0x100000;

    @TempDir
    Path journals;

    private DetachProof attachAndDetach(LiveTarget target, Injection injection, Runnable between) {
        AttachResult result = new Attacher(journals, StepListener.NONE).attach(injection);
        assertThat(result).isInstanceOf(AttachResult.Attached.class);
        between.run();
        return ((AttachResult.Attached) result).attachment().detach();
    }

    private static Injection with(Injection injection, List<Region> regions) {
        return new Injection(injection.pid(), injection.pools(), regions, injection.plan());
    }

    private static byte byteAt(LiveTarget target, RemoteAddress address) {
        try (ProcMem memory = ProcMem.open(target.pid)) {
            return memory.readBytes(address, 1)[0];
        }
    }

    @Test
    void mapsPartsOfOneFileSeveralTimes() {
        try (LiveTarget target = LiveTarget.start(1, "epoll");
                NativeFd file = Mman.sealedMemfd("graft-ring", 3 * PAGE, 0);
                SharedRegion ours = SharedRegion.map(file, 3 * PAGE, SharedRegion.Access.READ_WRITE)) {
            for (int page = 0; page < 3; page++) {
                ours.segment().set(ValueLayout.JAVA_BYTE, (long) page * PAGE, (byte) (page + 1));
            }
            Injection plain = target.injection();
            RemoteAddress base = plain.pools().getFirst().address().plus(-BELOW_POOL);
            var maps = target.maps();
            Injection injection = with(
                    plain,
                    List.of(
                            new Region(file.number(), 0, base, PAGE, Protection.READ_WRITE, "head"),
                            new Region(file.number(), PAGE, base.plus(PAGE), 2 * PAGE, Protection.READ_ONLY, "data"),
                            new Region(
                                    file.number(),
                                    PAGE,
                                    base.plus(3 * PAGE),
                                    2 * PAGE,
                                    Protection.READ_ONLY,
                                    "again")));
            DetachProof proof = attachAndDetach(target, injection, () -> {
                byte[] seen = new byte[5];
                for (int page = 0; page < seen.length; page++) {
                    seen[page] = byteAt(target, base.plus((long) page * PAGE));
                }
                assertThat(seen).containsExactly(1, 2, 3, 2, 3);
            });
            assertThat(proof.clean()).as("%s", proof).isTrue();
            assertThat(target.maps()).isEqualTo(maps);
        }
    }

    @Test
    void mapsAnArrayOfTheKernel() {
        try (LiveTarget target = LiveTarget.start(1, "epoll");
                NativeFd array = Bpf.mapCreate(new Bpf.MapAttributes("region", 2, 4, 8, 512, 1 << 10, 0, 0, 0));
                SharedRegion ours = SharedRegion.map(array, PAGE, SharedRegion.Access.READ_WRITE)) {
            ours.segment().set(ValueLayout.JAVA_BYTE, 0, (byte) 77);
            Injection plain = target.injection();
            RemoteAddress base = plain.pools().getFirst().address().plus(-BELOW_POOL);
            var maps = target.maps();
            Injection injection =
                    with(plain, List.of(new Region(array.number(), 0, base, PAGE, Protection.READ_WRITE, "array")));
            DetachProof proof = attachAndDetach(
                    target, injection, () -> assertThat(byteAt(target, base)).isEqualTo((byte) 77));
            assertThat(proof.clean()).as("%s", proof).isTrue();
            assertThat(target.maps()).isEqualTo(maps);
        }
    }
}
