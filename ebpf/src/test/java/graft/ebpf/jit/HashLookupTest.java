package graft.ebpf.jit;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Extension;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.jit.TargetBinding.Rows;
import graft.ebpf.maps.HashTable;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.MapCreation;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.verifier.Facts;
import graft.platform.layout.BucketLayout;
import graft.platform.layout.ElementLayout;
import graft.platform.layout.HashLayout;
import graft.platform.layout.MapConstants;
import graft.platform.linux.SharedRegion;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.ObjLongConsumer;
import org.junit.jupiter.api.Test;

/** Lookups in hashes whose keys fit into a register. */
class HashLookupTest {
    private static final int MAX = 64;
    private static final long MISSING = 77;
    private static final int LOOKUP = 6;

    /** The value at the key that the context points to, plus the key, or 77. */
    private static InsnList program(MemSize keySize) {
        return InsnList.of(
                new Insn.Load(keySize, Extension.ZERO, Reg.R6, Reg.R1, (short) 0),
                new Insn.Store(keySize, Reg.R10, (short) -8, new Operand.Src(Reg.R6)),
                new Insn.Alu(AluOp.MOV, Width.W64, Reg.R2, new Operand.Src(Reg.R10)),
                new Insn.Alu(AluOp.ADD, Width.W64, Reg.R2, new Operand.Imm(-8)),
                new Insn.LoadWide(Reg.R1, new Wide.MapPointer("keys")),
                new Insn.CallHelper(Helper.MAP_LOOKUP_ELEM.number()),
                new Insn.Branch(JumpOp.JEQ, Width.W64, Reg.R0, new Operand.Imm(0), (short) 3),
                new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R0, Reg.R0, (short) 0),
                new Insn.Alu(AluOp.ADD, Width.W64, Reg.R0, new Operand.Src(Reg.R6)),
                new Insn.Exit(),
                new Insn.Alu(AluOp.MOV, Width.W64, Reg.R0, new Operand.Imm((int) MISSING)),
                new Insn.Exit());
    }

    private static HashTable created(MapType type, int keySize) {
        return switch (MapCreation.create(MapSpec.of("keys", type, keySize, 16, MAX))) {
            case MapCreation.Created(var map) -> (HashTable) map;
            case MapCreation.Refused refused -> throw new AssertionError(refused.toString());
        };
    }

    private static byte[] bytes(long number, int size) {
        byte[] all = ByteBuffer.allocate(16)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(number)
                .array();
        return java.util.Arrays.copyOf(all, size);
    }

    private static long key(int number, int size) {
        return size == Long.BYTES ? number * 0x1_0000_0001L : number * 3L;
    }

    /** One map, and its lookup as machine code. */
    private static final class Scene implements AutoCloseable {
        final int keySize;
        final HashTable map;
        final SharedRegion region;
        final Engines engines;
        private final CompiledProgram code;

        Scene(int keySize) {
            this(MapType.HASH, keySize, new Engines());
        }

        Scene(MapType type, int keySize, Engines engines) {
            this.keySize = keySize;
            this.engines = engines;
            this.map = created(type, keySize);
            this.region = SharedRegion.map(map.fd(), map.regionSize(), SharedRegion.Access.READ_WRITE);
            long data = map.dataAddress(region.segment().address());
            MapBinding bound = new MapBinding(
                    type,
                    64,
                    data,
                    MAX,
                    0,
                    map.cpus() > 0 ? Optional.of(new Rows(map.cpuStride(), map.cpus())) : Optional.empty(),
                    Optional.of(map.shape()),
                    OptionalInt.empty());
            TargetBinding binding = new TargetBinding(
                    Map.of("keys", bound),
                    Map.of(),
                    OptionalInt.empty(),
                    OptionalInt.empty(),
                    OptionalInt.of(RowLookupTest.registeredNumber(engines)));
            InsnList insns = program(keySize == Long.BYTES ? MemSize.DW : MemSize.W);
            Facts facts = Engines.facts(insns, Map.of(LOOKUP, "keys"), Map.of(0, 8));
            this.code = engines.place(Engines.spec(insns), facts, binding);
        }

        long lookup(long key) {
            try (var arena = java.lang.foreign.Arena.ofConfined()) {
                MemorySegment context = arena.allocate(8, 8);
                context.set(ValueLayout.JAVA_LONG, 0, key);
                return engines.call(code, context.address());
            }
        }

        void insert(int keys) {
            for (int i = 0; i < keys; i++) {
                byte[] key = bytes(key(i, keySize), keySize);
                assertThat(map.update(key, bytes(1000L + i, 16), KeyedMap.ANY)).isZero();
            }
        }

        /** Gives the place of each element's next index to {@code each}. */
        void scribble(ObjLongConsumer<MemorySegment> each) {
            for (int i = 0; i < MAX; i++) {
                long element =
                        map.shape().elementsOffset() + (long) i * map.shape().elementSize();
                each.accept(region.segment(), element + ElementLayout.NEXT);
            }
        }

        @Override
        public void close() {
            engines.close();
            region.close();
            map.close();
        }
    }

    @Test
    void findsEveryKeyAndNoOther() {
        for (int keySize : List.of(Integer.BYTES, Long.BYTES)) {
            try (Scene scene = new Scene(keySize)) {
                scene.insert(MAX);
                for (int i = 0; i < MAX; i++) {
                    long key = key(i, keySize);
                    assertThat(scene.lookup(key)).isEqualTo(1000L + i + key);
                    assertThat(scene.lookup(key + 1)).isEqualTo(MISSING);
                }
            }
        }
    }

    @Test
    void findsTheRunningProcessorsValue() {
        for (int keySize : List.of(Integer.BYTES, Long.BYTES)) {
            try (Scene scene = new Scene(MapType.PERCPU_HASH, keySize, RowLookupTest.engines())) {
                assertThat(scene.code.calls()).isEqualTo(CompiledProgram.Calls.NONE);
                for (int i = 0; i < MAX; i++) {
                    ByteBuffer values =
                            ByteBuffer.allocate(16 * scene.map.cpus()).order(ByteOrder.LITTLE_ENDIAN);
                    for (int cpu = 0; cpu < scene.map.cpus(); cpu++) {
                        values.putLong(16 * cpu, (long) cpu << 40 | 1000L + i);
                    }
                    byte[] key = bytes(key(i, keySize), keySize);
                    assertThat(scene.map.update(key, values.array(), KeyedMap.ANY))
                            .isZero();
                }
                for (int i = 0; i < MAX; i++) {
                    long key = key(i, keySize);
                    long value = scene.lookup(key) - key;
                    assertThat(value & (1L << 40) - 1).isEqualTo(1000L + i);
                    assertThat(value >> 40).isBetween(0L, scene.map.cpus() - 1L);
                    assertThat(scene.lookup(key + 1)).isEqualTo(MISSING);
                }
            }
        }
    }

    @Test
    void whatIsLookedUpStaysInAFullLruHash() {
        for (MapType type : List.of(MapType.LRU_HASH, MapType.LRU_PERCPU_HASH)) {
            try (Scene scene = new Scene(type, Integer.BYTES, RowLookupTest.engines())) {
                assertThat(scene.code.calls()).isEqualTo(CompiledProgram.Calls.NONE);
                byte[] value = new byte[scene.map.valueBytes()];
                byte[] used = bytes(0, Integer.BYTES);
                assertThat(scene.map.update(used, value, KeyedMap.ANY)).isZero();
                for (int key = 1; key < 10 * MAX; key++) {
                    assertThat(scene.map.update(bytes(key, Integer.BYTES), value, KeyedMap.NOEXIST))
                            .isZero();
                    assertThat(scene.lookup(0)).isZero();
                }
                assertThat(scene.map.count()).isEqualTo(MAX);
                assertThat(scene.lookup(1)).isEqualTo(MISSING);
            }
        }
    }

    @Test
    void aKeyOfFourBytesIsNoMore() {
        try (Scene scene = new Scene(Integer.BYTES)) {
            scene.insert(2);
            assertThat(scene.lookup(key(1, Integer.BYTES) | 5L << 32)).isEqualTo(1001 + key(1, Integer.BYTES));
        }
    }

    @Test
    void whatIsDeletedIsNotFound() {
        try (Scene scene = new Scene(Long.BYTES)) {
            scene.insert(MAX);
            for (int i = 0; i < MAX; i += 2) {
                assertThat(scene.map.delete(bytes(key(i, Long.BYTES), Long.BYTES)))
                        .isZero();
            }
            for (int i = 0; i < MAX; i++) {
                long key = key(i, Long.BYTES);
                assertThat(scene.lookup(key)).isEqualTo(i % 2 == 0 ? MISSING : 1000L + i + key);
            }
        }
    }

    @Test
    void chainsThatWereWrittenOverDoNotHoldTheThread() {
        try (Scene scene = new Scene(Long.BYTES)) {
            scene.insert(MAX);
            // Every element leads to the first; one bucket's end is another's.
            scene.scribble((memory, next) -> memory.set(ValueLayout.JAVA_INT, next, 0));
            assertThat(scene.lookup(-5)).isEqualTo(MISSING);
            for (int bucket = 0; bucket < MAX; bucket++) {
                scene.region
                        .segment()
                        .set(
                                ValueLayout.JAVA_INT,
                                HashLayout.SIZE + (long) bucket * BucketLayout.SIZE + BucketLayout.HEAD,
                                MapConstants.HASH_END | bucket + 1);
            }
            assertThat(scene.lookup(-5)).isEqualTo(MISSING);
        }
    }

    @Test
    void theCallIsGone() {
        try (Scene scene = new Scene(Long.BYTES)) {
            assertThat(scene.code.calls()).isEqualTo(CompiledProgram.Calls.NONE);
        }
    }
}
