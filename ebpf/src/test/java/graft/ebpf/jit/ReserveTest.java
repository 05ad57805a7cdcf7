package graft.ebpf.jit;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Extension;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.jit.x86_64.X64ProgramCompiler;
import graft.ebpf.maps.MapCreation;
import graft.ebpf.maps.RingBuffer;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.layout.MapConstants;
import graft.platform.layout.RecordLayout;
import graft.platform.layout.RingLayout;
import graft.platform.linux.SharedRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Records that compiled code reserves in place; where it does not, a helper says 99. */
class ReserveTest {
    private static final int SIZE = 4096;
    private static final int TGID = 0x12_3456;
    private static final int NUMBER = 5;
    private static final long BY_HELPER = 99;

    /** A word that every thread has: of the thread pointer itself. */
    private static final int THREAD_WORD = 16;

    private static final int CALL = 5;

    private final RingBuffer map = created();
    private final SharedRegion region =
            SharedRegion.map(map.fd(), MapConstants.RING_DATA_OFFSET + SIZE, SharedRegion.Access.READ_WRITE);
    private final MemorySegment ring = region.segment();
    private final Engines engines = new Engines(X64ProgramCompiler.forThisMachine());
    private final CompiledProgram code = compiled();

    private static RingBuffer created() {
        return switch (MapCreation.create(MapSpec.of("events", MapType.RINGBUF, 0, 0, SIZE))) {
            case MapCreation.Created(var map) -> (RingBuffer) map;
            case MapCreation.Refused refused -> throw new AssertionError(refused.toString());
        };
    }

    /** Reserves the size that is the context's first word, with the flags that are its second. */
    private CompiledProgram compiled() {
        InsnList insns = InsnList.of(
                new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R3, Reg.R1, (short) 8),
                new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R2, Reg.R1, (short) 0),
                new Insn.LoadWide(Reg.R1, new Wide.MapPointer("events")),
                new Insn.Alu(AluOp.MOV, Width.W64, Reg.R6, new Operand.Src(Reg.R2)),
                new Insn.CallHelper(Helper.RINGBUF_RESERVE.number()),
                new Insn.Exit());
        InsnList answer = InsnList.of(
                new Insn.Alu(AluOp.MOV, Width.W64, Reg.R0, new Operand.Imm((int) BY_HELPER)), new Insn.Exit());
        CompiledProgram helper = engines.place(Engines.spec(answer), Engines.facts(answer), TargetBinding.NONE);
        MapBinding bound = new MapBinding(
                MapType.RINGBUF,
                64,
                ring.address() + MapConstants.RING_DATA_OFFSET,
                SIZE,
                0,
                Optional.empty(),
                Optional.empty(),
                OptionalInt.of(NUMBER));
        TargetBinding binding = new TargetBinding(
                Map.of("events", bound),
                Map.of(Helper.RINGBUF_RESERVE, helper.address()),
                OptionalInt.of(TGID),
                OptionalInt.of(THREAD_WORD),
                OptionalInt.empty());
        return engines.place(Engines.spec(insns), Engines.facts(insns, Map.of(CALL, "events"), Map.of(0, 0)), binding);
    }

    @AfterEach
    void close() {
        engines.close();
        region.close();
        map.close();
    }

    private long reserve(long size) {
        return reserve(size, 0);
    }

    private long reserve(long size, long flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment words = arena.allocate(16, 8);
            words.set(ValueLayout.JAVA_LONG, 0, size);
            words.set(ValueLayout.JAVA_LONG, 8, flags);
            return engines.call(code, words.address());
        }
    }

    /** Where the record is in the ring. */
    private long reservedAt(long size) {
        return reserve(size) - RecordLayout.SIZE - MapConstants.RING_DATA_OFFSET - ring.address();
    }

    private long word(long offset) {
        return ring.get(ValueLayout.JAVA_LONG, offset);
    }

    private void word(long offset, long value) {
        ring.set(ValueLayout.JAVA_LONG, offset, value);
    }

    private int length(long record) {
        return ring.get(ValueLayout.JAVA_INT, MapConstants.RING_DATA_OFFSET + record + RecordLayout.LENGTH);
    }

    private void submit(long record, int length) {
        ring.set(ValueLayout.JAVA_INT, MapConstants.RING_DATA_OFFSET + record + RecordLayout.LENGTH, length);
    }

    @Test
    void recordsFollowOneAnother() {
        assertThat(reservedAt(13)).isZero();
        assertThat(reservedAt(0)).isEqualTo(24);
        assertThat(reservedAt(64)).isEqualTo(32);
        assertThat(word(MapConstants.RING_PRODUCER_OFFSET)).isEqualTo(104);
        assertThat(word(RingLayout.LOCK)).isZero();
        assertThat(length(0)).isEqualTo(13 | MapConstants.RECORD_BUSY);
        assertThat(length(24)).isEqualTo(MapConstants.RECORD_BUSY);
        assertThat(length(32)).isEqualTo(64 | MapConstants.RECORD_BUSY);
        int owner = ring.get(ValueLayout.JAVA_INT, MapConstants.RING_DATA_OFFSET + RecordLayout.OWNER);
        assertThat(owner).isEqualTo(TGID | NUMBER << MapConstants.RECORD_OWNER_BITS);
    }

    @Test
    void theReaderGetsThemWhenTheyAreSubmitted() {
        List<Long> lengths = new ArrayList<>();
        reservedAt(16);
        long second = reservedAt(24);
        submit(second, 24);
        assertThat(map.drain(data -> lengths.add(data.byteSize()), 10)).isZero();
        submit(0, 16);
        assertThat(map.drain(data -> lengths.add(data.byteSize()), 10)).isEqualTo(2);
        assertThat(lengths).containsExactly(16L, 24L);
    }

    @Test
    void theRingIsFilledToItsLastByteAndUsedAgain() {
        for (int i = 0; i < SIZE / 64; i++) {
            assertThat(reservedAt(56)).isEqualTo(64L * i);
        }
        assertThat(reserve(0)).isEqualTo(BY_HELPER);
        assertThat(word(RingLayout.LOCK)).isZero();
        assertThat(word(MapConstants.RING_PRODUCER_OFFSET)).isEqualTo(SIZE);
        word(MapConstants.RING_CONSUMER_OFFSET, 64);
        assertThat(reserve(0)).as("the first may still be busy").isEqualTo(BY_HELPER);
        word(RingLayout.PENDING, 64);
        assertThat(reservedAt(56)).isZero();
        assertThat(reserve(0)).isEqualTo(BY_HELPER);
    }

    @ParameterizedTest
    @CsvSource({"4089, 0", "4096, 0", "0x40000000, 0", "-1, 0", "0x8000000000000000, 0", "8, 1", "8, 0x100000000"})
    void sizesBeyondTheRingAndFlagsAreTheHelpers(String size, String flags) {
        assertThat(reserve(number(size), number(flags))).isEqualTo(BY_HELPER);
        assertThat(word(MapConstants.RING_PRODUCER_OFFSET)).isZero();
        assertThat(word(RingLayout.LOCK)).isZero();
    }

    private static long number(String text) {
        return text.startsWith("0x") ? Long.parseUnsignedLong(text.substring(2), 16) : Long.parseLong(text);
    }

    @Test
    void theLargestRecordFills() {
        assertThat(reservedAt(SIZE - 8)).isZero();
        assertThat(word(MapConstants.RING_PRODUCER_OFFSET)).isEqualTo(SIZE);
    }

    @Test
    void aLockThatIsTakenIsLeftAlone() {
        word(RingLayout.LOCK, 1);
        assertThat(reserve(8)).isEqualTo(BY_HELPER);
        assertThat(word(RingLayout.LOCK)).isEqualTo(1);
        assertThat(word(MapConstants.RING_PRODUCER_OFFSET)).isZero();
    }
}
