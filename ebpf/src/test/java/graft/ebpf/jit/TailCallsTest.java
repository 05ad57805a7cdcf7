package graft.ebpf.jit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Tail calls end the same in the interpreter, as machine code and in the kernel (which needs root). */
class TailCallsTest {
    private static final String COUNT = """
            r7 = map[counter][0]+0
            r0 = *(u64 *)(r7 +0)
            r0 += 1
            *(u64 *)(r7 +0) = r0
            """;
    private static final String CALL = """
            r1 = r6
            r2 = map[programs]
            r3 = %d
            call bpf_tail_call
            """;
    private static final String RETURN_COUNTER = """
            r7 = map[counter][0]+0
            r0 = *(u64 *)(r7 +0)
            exit
            """;

    private static String call(int index) {
        return CALL.formatted(index);
    }

    @Test
    void aProgramThatCallsItselfRunsThirtyFourTimes() {
        agree(34, Map.of(0, 1), "r6 = r1\n" + COUNT + call(0) + RETURN_COUNTER);
    }

    @Test
    void theOtherProgramGoesOnInPlaceOfTheFirst() {
        agree(
                3,
                Map.of(0, 2, 1, 3),
                "r6 = r1\n" + call(0) + "r0 = 1\nexit",
                "r6 = r1\n" + call(1) + "r0 = 2\nexit",
                "r0 = 3\nexit");
    }

    @Test
    void whatIsNotThereIsNotCalled() {
        agree(7, Map.of(), "r6 = r1\n" + call(1) + call(8) + call(-1) + "r0 = 7\nexit");
    }

    @Test
    void failedCallsAreNotCounted() {
        String forty = """
                r6 = r1
                r8 = 40
                again:
                """ + call(1) + """
                r8 += -1
                if r8 != 0 goto again
                """;
        agree(5, Map.of(0, 2), forty + call(0) + "r0 = 9\nexit", "r0 = 5\nexit");
    }

    @Test
    void fromAFunctionTheOtherProgramReturnsToItsCaller() {
        String main = """
                *(u64 *)(r10 -8) = 70
                r9 = 30
                call part
                r0 += r9
                r1 = *(u64 *)(r10 -8)
                r0 += r1
                exit
                part:
                r6 = r1
                r9 = 0
                """;
        agree(105, Map.of(0, 2), main + call(0) + "r0 = 1\nexit", "r9 = -1\n*(u64 *)(r10 -8) = -1\nr0 = 5\nexit");
    }

    @Test
    void functionsShareOneCounter() {
        String main = """
                r6 = r1
                r1 = r6
                call part
                r1 = r6
                call part
                """;
        agree(
                34,
                Map.of(0, 2),
                main + RETURN_COUNTER + "part:\nr6 = r1\n" + call(0) + COUNT + "exit",
                "r6 = r1\n" + COUNT + call(0) + RETURN_COUNTER);
    }

    @Test
    void everyProgramKeepsWhatItsCallerNeeds() {
        String busy = """
                r6 = r1
                r7 = 7
                r8 = 8
                r9 = 9
                *(u64 *)(r10 -32) = 1
                """;
        agree(11, Map.of(0, 2), busy + call(0) + "r0 = r7\nr0 += r8\nr0 += r9\nexit", busy + "r0 = 11\nexit");
    }

    private static void agree(long expected, Map<Integer, Integer> slots, String... programs) {
        TailCallScene scene = new TailCallScene(List.of(programs), slots);
        assertThat(scene.interpreted()).as("interpreter").isEqualTo(expected);
        assertThat(scene.compiled()).as("machine code").isEqualTo(expected);
        assertThat(scene.inKernel()).as("kernel").isEqualTo((int) expected);
    }
}
