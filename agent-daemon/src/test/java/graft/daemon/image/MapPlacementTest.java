package graft.daemon.image;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Injection;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.MapCreation;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.address.RemoteAddress;
import graft.platform.linux.HugePages;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MapPlacementTest {
    private static final RemoteAddress START = new RemoteAddress(0x7f12_3456_7000L);

    @Test
    void largeMapsLieWhereTheirHugePagesCanBeUsed() {
        try (BpfMap small = map(MapSpec.of("small", MapType.ARRAY, 4, 8, 1));
                BpfMap ring = map(MapSpec.of("ring", MapType.RINGBUF, 0, 0, 1 << 22))) {
            List<BpfMap> maps = List.of(small, ring);
            List<Injection.Region> regions = new MapPlacement(maps, START, Set.of()).regions();

            assertThat(regions.getFirst().address()).isEqualTo(START);
            assertThat(regions)
                    .filteredOn(region -> region.name().equals("ring"))
                    .allSatisfy(region -> assertThat((region.address().value() - region.fileOffset()) % HugePages.SIZE)
                            .isZero());
            Injection.Region last = regions.getLast();
            assertThat(last.address().value() + last.size())
                    .isLessThanOrEqualTo(START.value() + MapPlacement.size(maps));
        }
    }

    private static BpfMap map(MapSpec spec) {
        return switch (MapCreation.create(spec)) {
            case MapCreation.Created(var map) -> map;
            case MapCreation.Refused refused -> throw new AssertionError(refused.toString());
        };
    }
}
