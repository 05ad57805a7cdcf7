package graft.ebpf.jit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Assembler;
import graft.ebpf.insn.InsnList;
import graft.ebpf.jit.TargetBinding.StackBounds;
import graft.ebpf.jit.x86_64.MachineFeature;
import graft.ebpf.jit.x86_64.X64ProgramCompiler;
import graft.platform.proc.CpuFlags;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Reads in transactions. The helper reads as the agent's does, counts its calls, and answers -14 for addresses below 4096. A
 * transaction may end at any time, so a program may call it where it need not.
 */
class TransactionsTest {
    private static final int WORDS = 64;
    private static final int CALLS = 8 * WORDS;
    private static final long BAD = 8;
    private static final int PROGRAMS = 200;
    private static final int STATEMENTS = 24;

    private final Engines transactions = new Engines(new X64ProgramCompiler(Set.of(MachineFeature.RTM)));
    private final Engines plain = new Engines(new X64ProgramCompiler(Set.of()));
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment memory = arena.allocate(CALLS + 24, 64);

    /** Behind the calls: two words of 0. */
    private final StackBounds unknownStack =
            new StackBounds(memory.address() + CALLS + 8, memory.address() + CALLS + 16);

    @BeforeEach
    void requireTransactions() {
        assumeThat(CpuFlags.ofThisMachine().has("rtm")).isTrue();
    }

    @AfterEach
    void close() {
        transactions.close();
        plain.close();
        arena.close();
    }

    private static InsnList assembled(String text) {
        return switch (Assembler.assemble(text)) {
            case Assembler.Result.Assembled done -> done.insns();
            case Assembler.Result.Refused refused -> throw new AssertionError(refused + " in " + text);
        };
    }

    private static CompiledProgram place(Engines engines, String text, TargetBinding binding) {
        InsnList insns = assembled(text);
        return engines.place(Engines.spec(insns), Engines.facts(insns), binding);
    }

    private TargetBinding binding(Engines engines, Optional<StackBounds> stack) {
        CompiledProgram helper = place(engines, """
                    r4 = %d ll
                    r5 = *(u64 *)(r4 + 0)
                    r5 += 1
                    *(u64 *)(r4 + 0) = r5
                    r0 = -14
                    if r3 < 4096 goto done
                    r0 = 0
                copy:
                    if r2 == 0 goto done
                    r5 = *(u8 *)(r3 + 0)
                    *(u8 *)(r1 + 0) = r5
                    r1 += 1
                    r2 += -1
                    r3 += 1
                    goto copy
                done:
                    exit
                """.formatted(memory.address() + CALLS), TargetBinding.NONE);
        return new TargetBinding(
                Map.of(),
                Map.of(Helper.PROBE_READ_USER, helper.address()),
                OptionalInt.empty(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                Optional.empty(),
                stack);
    }

    private long run(Engines engines, String text) {
        return run(engines, text, Optional.empty());
    }

    private long run(Engines engines, String text, Optional<StackBounds> stack) {
        memory.set(ValueLayout.JAVA_LONG, CALLS, 0);
        return engines.call(place(engines, text, binding(engines, stack)), memory.address());
    }

    private long calls() {
        return memory.get(ValueLayout.JAVA_LONG, CALLS);
    }

    private long word(int index) {
        return memory.getAtIndex(ValueLayout.JAVA_LONG, index);
    }

    private void set(int index, long value) {
        memory.setAtIndex(ValueLayout.JAVA_LONG, index, value);
    }

    private long address(int index) {
        return memory.address() + 8L * index;
    }

    /** Adds up what the members of a list have behind the address of the next one; ends at the hundredth or a bad one. */
    private static final String LIST = """
                r6 = r1
                r7 = 0
                r8 = 0
            next:
                r1 = r10
                r1 += -16
                r2 = 16
                r3 = r6
                call bpf_probe_read_user
                if r0 != 0 goto bad
                r1 = *(u64 *)(r10 - 8)
                r7 += r1
                r6 = *(u64 *)(r10 - 16)
                r8 += 1
                if r8 < 100 goto next
                r0 = r7
                exit
            bad:
                r0 = -1
                r0 *= r7
                exit
            """;

    private void list(int members, long last) {
        for (int i = 0; i < members; i++) {
            set(2 * i, i == members - 1 ? last : address(2 * i + 2));
            set(2 * i + 1, i + 1);
        }
    }

    @Test
    void aChainOfReadsNeedsNoHelper() {
        list(5, memory.address());
        long fewest = Long.MAX_VALUE;
        for (int i = 0; i < 100; i++) {
            assertThat(run(transactions, LIST)).isEqualTo(20 * (1 + 2 + 3 + 4 + 5));
            fewest = Math.min(fewest, calls());
        }
        assertThat(fewest).isZero();
    }

    @Test
    void aBadAddressIsTheHelpersAndEverythingInFrontOfItIsDoneAgain() {
        list(7, BAD);
        assertThat(run(transactions, LIST)).isEqualTo(-(1 + 2 + 3 + 4 + 5 + 6 + 7));
        assertThat(calls()).isEqualTo(8);
    }

    @Test
    void whatIsStoredBetweenReadsIsStoredOnce() {
        String text = """
                    r9 = r1
                    r1 = r10
                    r1 += -8
                    r2 = 8
                    r3 = r9
                    call bpf_probe_read_user
                    r6 = *(u64 *)(r9 + 16)
                    r6 += 1
                    *(u64 *)(r9 + 16) = r6
                    r1 = r10
                    r1 += -8
                    r2 = 8
                    r3 = *(u64 *)(r9 + 8)
                    call bpf_probe_read_user
                    r6 = *(u64 *)(r9 + 24)
                    r6 += 1
                    *(u64 *)(r9 + 24) = r6
                    exit
                """;
        set(1, BAD);
        for (int i = 0; i < 10; i++) {
            assertThat(run(transactions, text)).isEqualTo(-14);
        }
        set(1, memory.address());
        for (int i = 0; i < 10; i++) {
            assertThat(run(transactions, text)).isZero();
        }
        assertThat(word(2)).isEqualTo(20);
        assertThat(word(3)).isEqualTo(20);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 8, 16, 24, 56, 64, 72})
    void readsOfEverySizeStoreWhatIsThereAndNoMore(int size) {
        for (int i = 0; i < 10; i++) {
            set(i, 0x0101_0101_0101_0101L * (i + 1));
            set(20 + i, -1);
        }
        String text = """
                    r3 = r1
                    r1 += 160
                    r2 = %d
                    call bpf_probe_read_user
                    exit
                """.formatted(size);
        assertThat(run(transactions, text)).isZero();
        byte[] bytes = memory.asSlice(160, 80).toArray(ValueLayout.JAVA_BYTE);
        assertThat(Arrays.copyOf(bytes, size)).isEqualTo(memory.asSlice(0, size).toArray(ValueLayout.JAVA_BYTE));
        assertThat(Arrays.copyOfRange(bytes, size, 80)).containsOnly(-1);
    }

    @Test
    void readsNearTheFrameTakeNoTransactionAndOthersDo() {
        String text = """
                    r9 = r1
                    r6 = *(u64 *)(r9 + 0)
                    *(u64 *)(r10 - 8) = 5
                    *(u64 *)(r10 - 16) = 0
                    if r6 != 0 goto far
                    r6 = r10
                    r6 += -8
                far:
                    r1 = r10
                    r1 += -16
                    r2 = 8
                    r3 = r6
                    call bpf_probe_read_user
                    r1 = *(u64 *)(r10 - 16)
                    r0 += r1
                    exit
                """;
        CompiledProgram program = place(transactions, text, binding(transactions, Optional.of(unknownStack)));
        set(0, 0);
        assertThat(transactions.call(program, memory.address())).isEqualTo(5);
        set(0, address(4));
        set(4, 77);
        assertThat(transactions.call(program, memory.address())).isEqualTo(77);
        set(0, 16);
        assertThat(transactions.call(program, memory.address())).isLessThan(0);
    }

    /** Reads, good and bad, among what ends transactions and what does not: the same with transactions and without. */
    @Test
    void programsDoTheSameWithTransactionsAndWithout() {
        Random random = new Random(7);
        for (int i = 0; i < PROGRAMS; i++) {
            String text = program(random);
            long seed = random.nextLong();
            fill(seed);
            long expected = run(plain, text);
            byte[] words = memory.asSlice(0, CALLS).toArray(ValueLayout.JAVA_BYTE);
            for (Optional<StackBounds> stack : List.of(Optional.<StackBounds>empty(), Optional.of(unknownStack))) {
                fill(seed);
                assertThat(run(transactions, text, stack)).as(text).isEqualTo(expected);
                assertThat(memory.asSlice(0, CALLS).toArray(ValueLayout.JAVA_BYTE))
                        .as(text)
                        .isEqualTo(words);
            }
        }
    }

    /** The first half are addresses, a few of them bad; the rest numbers. */
    private void fill(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < WORDS; i++) {
            long good = address(random.nextInt(WORDS - 8));
            set(i, i >= WORDS / 2 ? random.nextInt(1000) : random.nextInt(8) == 0 ? BAD : good);
        }
    }

    private static String program(Random random) {
        StringBuilder text = new StringBuilder("""
                    r9 = r1
                    r7 = 1
                    r8 = 0
                    *(u64 *)(r10 - 8) = 0
                again:
                """);
        for (int i = 0; i < STATEMENTS; i++) {
            text.append("s").append(i).append(":\n").append(statement(random, i));
        }
        return text.append("""
                s%d:
                    r8 += 1
                    if r8 < 3 goto again
                    r0 = r7
                    exit
                """.formatted(STATEMENTS)).toString();
    }

    private static String statement(Random random, int at) {
        int word = 8 * (WORDS / 2 + random.nextInt(WORDS / 2));
        int[] sizes = {1, 2, 4, 8};
        return switch (random.nextInt(10)) {
            case 0, 1, 2, 3 -> """
                        r1 = r10
                        r1 += -8
                        r2 = %d
                        r3 = *(u64 *)(r9 + %d)
                        call bpf_probe_read_user
                        r7 += r0
                    """.formatted(sizes[random.nextInt(sizes.length)], 8 * random.nextInt(WORDS / 2));
            case 4 -> "    r1 = *(u64 *)(r10 - 8)\n    r7 ^= r1\n";
            case 5 -> "    *(u64 *)(r9 + %d) = r7\n".formatted(word);
            case 6 -> "    r7 *= %d\n".formatted(3 + random.nextInt(50));
            case 7 -> "    if r7 & %d goto s%d\n".formatted(1 << random.nextInt(4), skipped(random, at));
            case 8 -> "    r1 = *(u64 *)(r9 + %d)\n    if r1 > r7 goto s%d\n".formatted(word, skipped(random, at));
            default -> "    lock *(u64 *)(r9 + %d) += r7\n".formatted(word);
        };
    }

    private static int skipped(Random random, int at) {
        return Math.min(STATEMENTS, at + 1 + random.nextInt(6));
    }
}
