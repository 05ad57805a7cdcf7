package graft.ebpf.maps;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.layout.TrieLayout;
import graft.platform.linux.Errno;
import graft.platform.linux.SharedRegion;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/** A process that died in a change of a trie; that tries answer as the kernel's is compared elsewhere. */
class LpmTrieTest {
    private static final int DEAD = 4242;
    private static final int MAX = 20;

    private final LpmTrie trie =
            (LpmTrie) ((MapCreation.Created) MapCreation.create(new MapSpec.Builder("prefixes", MapType.LPM_TRIE)
                            .sizes(6, 8, MAX)
                            .flags(MapSpec.NO_PREALLOC)
                            .build()))
                    .map();

    private static byte[] key(int number) {
        return new byte[] {16, 0, 0, 0, (byte) (number * 13), (byte) number};
    }

    @Test
    void nodesThatADeadProcessHadTakenAreFreeAgain() {
        try (trie;
                SharedRegion memory = SharedRegion.map(trie.fd(), trie.regionSize(), SharedRegion.Access.READ_WRITE)) {
            for (int i = 0; i < MAX; i++) {
                assertThat(trie.update(key(i), new byte[8], KeyedMap.NOEXIST)).isZero();
            }
            for (int i = 0; i < MAX; i += 2) {
                assertThat(trie.delete(key(i))).isZero();
            }
            // Taken out of the free nodes and never linked, with entries counted that are not there.
            memory.segment().set(ValueLayout.JAVA_INT, TrieLayout.FREE, 0);
            memory.segment().set(ValueLayout.JAVA_INT, TrieLayout.ENTRIES, MAX - 1);
            memory.segment().set(ValueLayout.JAVA_LONG, TrieLayout.LOCK, (long) DEAD << Integer.SIZE | 1);
            assertThat(trie.update(key(0), new byte[8], KeyedMap.ANY)).isEqualTo(-Errno.EBUSY);
            assertThat(trie.releaseLocksOf(DEAD)).isEqualTo(1);
            for (int i = 0; i < MAX; i += 2) {
                assertThat(trie.update(key(i), new byte[8], KeyedMap.NOEXIST)).isZero();
                assertThat(trie.update(key(i), new byte[8], KeyedMap.EXIST)).isZero();
            }
            assertThat(trie.update(key(MAX), new byte[8], KeyedMap.ANY)).isEqualTo(-Errno.ENOSPC);
            assertThat(trie.keys()).hasSize(MAX);
        }
    }
}
