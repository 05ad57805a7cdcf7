package graft.platform.layout;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LayoutConstantsTest {
    @Test
    void runtimeRegionHoldsItsPartsWithoutOverlap() {
        int descriptorsEnd = PoolConstants.DESCRIPTORS_OFFSET + PoolConstants.DESCRIPTORS_MAX * MapLayout.SIZE;
        int slotsEnd = PoolConstants.RETURN_SLOTS_OFFSET + PoolConstants.RETURN_SLOTS * ReturnSlotLayout.SIZE;

        assertThat(descriptorsEnd).isLessThanOrEqualTo(PoolConstants.RETURN_SLOTS_OFFSET);
        assertThat(slotsEnd).isLessThanOrEqualTo(PoolConstants.RUNTIME_SIZE);
        assertThat(PoolConstants.AGENT_OFFSET + PoolConstants.AGENT_MAX).isEqualTo(PoolConstants.CODE_OFFSET);
    }

    @Test
    void constantsKeepTheirBits() {
        assertThat(MapConstants.RING_AWAKE).isEqualTo(-1L);
        assertThat(MapConstants.HASH_FACTOR).isEqualTo(0x9e3779b97f4a7c15L);
        assertThat(MapConstants.RECORD_BUSY).isEqualTo(Integer.MIN_VALUE);
    }

    @Test
    void everyDescriptorIndexFitsTheRecordHeader() {
        assertThat(PoolConstants.DESCRIPTORS_MAX).isLessThanOrEqualTo(1 << 32 - MapConstants.RECORD_OWNER_BITS);
    }
}
