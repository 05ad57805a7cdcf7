package graft.cli.policy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SeccompFilterTest {
    private static final int X86_64 = 0xc000_003e;
    private static final int GETPPID = 110;

    private static SeccompFilter filter(String rules) {
        return switch (PolicyReader.read("rules:\n" + rules.indent(2), "named")) {
            case PolicyReader.Reading.Read(var policy) -> SeccompFilter.of(policy);
            case PolicyReader.Reading.Wrong(var mistakes) -> throw new AssertionError(mistakes);
        };
    }

    /** What the kernel does with it. */
    private static int run(SeccompFilter filter, int architecture, int number, long... arguments) {
        ByteBuffer data = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
        data.putInt(0, number).putInt(4, architecture);
        for (int i = 0; i < arguments.length; i++) {
            data.putLong(16 + i * Long.BYTES, arguments[i]);
        }
        int accumulator = 0;
        for (int at = 0; ; at++) {
            FilterInsn insn = filter.insns().get(at);
            boolean branch = false;
            switch (insn.code()) {
                case FilterInsn.LOAD -> accumulator = data.getInt(insn.constant());
                case FilterInsn.AND -> accumulator &= insn.constant();
                case FilterInsn.XOR -> accumulator ^= insn.constant();
                case FilterInsn.JUMP -> at += insn.constant();
                case FilterInsn.RETURN -> {
                    return insn.constant();
                }
                case FilterInsn.IF_EQUAL -> branch = accumulator == insn.constant();
                case FilterInsn.IF_GREATER -> branch = Integer.compareUnsigned(accumulator, insn.constant()) > 0;
                case FilterInsn.IF_AT_LEAST -> branch = Integer.compareUnsigned(accumulator, insn.constant()) >= 0;
                default -> throw new AssertionError(insn);
            }
            at += branch ? insn.ifTrue() : insn.ifFalse();
        }
    }

    @Test
    void rulesAreAskedInTheirOrder() {
        SeccompFilter filter = filter("""
                - {calls: openat, where: {flags: has O_CREAT}, action: allow}
                - {calls: openat, where: {flags: any O_WRONLY|O_RDWR}, deny: EACCES}
                - {calls: [getppid, mount], action: kill}
                - {calls: read, action: log}
                """);

        assertThat(filter.leftOut()).isEmpty();
        assertThat(run(filter, X86_64, 257, 0, 0, 0101)).isEqualTo(SeccompFilter.ALLOW);
        assertThat(run(filter, X86_64, 257, 0, 0, 1)).isEqualTo(SeccompFilter.ERRNO | 13);
        assertThat(run(filter, X86_64, 257, 0, 0, 2)).isEqualTo(SeccompFilter.ERRNO | 13);
        assertThat(run(filter, X86_64, 257, 0, 0, 0)).isEqualTo(SeccompFilter.ALLOW);
        assertThat(run(filter, X86_64, GETPPID)).isEqualTo(SeccompFilter.KILL_PROCESS);
        assertThat(run(filter, X86_64, 165)).isEqualTo(SeccompFilter.KILL_PROCESS);
        assertThat(run(filter, X86_64, 0)).isEqualTo(SeccompFilter.LOG);
        assertThat(run(filter, X86_64, 1)).isEqualTo(SeccompFilter.ALLOW);
        assertThat(run(filter, 0x4000_0003, 1)).isEqualTo(SeccompFilter.KILL_PROCESS);
        assertThat(run(filter, X86_64, 0x4000_0001)).isEqualTo(SeccompFilter.KILL_PROCESS);
    }

    @Test
    void whatAFilterCannotSayIsSaid() {
        SeccompFilter filter = filter("""
                - {calls: openat, path: /etc/, deny: EACCES}
                - {calls: connect, port: 25, action: allow}
                - {name: told, calls: read, action: log}
                - {calls: getppid, deny: EPERM, log: true}
                """);

        assertThat(filter.leftOut())
                .containsExactly(
                        "rule \"rule 1\" (line 2): a filter cannot read paths; what it would deny is left to later rules "
                                + "and the default",
                        "rule \"rule 2\" (line 3): a filter cannot read addresses of sockets; later rules and the default "
                                + "decide about what it would allow",
                        "rule \"told\" (line 4): in a filter, log allows the call; nothing is reported",
                        "rule \"rule 4\" (line 5): log: true: nothing is reported");
        assertThat(run(filter, X86_64, GETPPID)).isEqualTo(SeccompFilter.ERRNO | 1);
        assertThat(run(filter, X86_64, 257)).isEqualTo(SeccompFilter.ALLOW);
    }

    @Test
    void conditionsAreTheSameAsInTheProcess() {
        SplittableRandom random = new SplittableRandom(5);
        long[] edges = {0, 1, -1, 7, 8, 9, 0xffff_ffffL, 0x1_0000_0000L, 0x8000_0000L, Long.MIN_VALUE, Long.MAX_VALUE};
        for (int round = 0; round < 20_000; round++) {
            Condition.Comparison comparison = Condition.Comparison.values()[random.nextInt(6)];
            boolean isNarrow = random.nextBoolean();
            long mask = random.nextInt(3) == 0 ? random.nextLong() : isNarrow ? 0xffff_ffffL : -1;
            long flip = random.nextBoolean() ? 0 : isNarrow ? 1L << 31 : Long.MIN_VALUE;
            long value = edges[random.nextInt(edges.length)] & mask ^ flip & mask;
            Condition condition = new Condition(2, comparison, mask, flip & mask, value);
            FilterWriter out = new FilterWriter();
            FilterWriter.Label failed = out.label();
            out.require(condition, failed);
            out.result(SeccompFilter.LOG);
            out.here(failed);
            out.result(SeccompFilter.ALLOW);
            SeccompFilter filter = new SeccompFilter(out.insns(), List.of());
            long number = random.nextBoolean() ? edges[random.nextInt(edges.length)] : random.nextLong();

            assertThat(run(filter, X86_64, 0, 0, 0, number) == SeccompFilter.LOG)
                    .as("%s of 0x%x", condition, number)
                    .isEqualTo(condition.holds(number));
        }
    }
}
