package graft.cli.policy;

/**
 * An instruction of a seccomp filter, as {@code struct sock_filter}.
 *
 * @param ifTrue instructions to skip
 * @param ifFalse instructions to skip
 * @param note what it is for; empty for most
 */
public record FilterInsn(int code, int ifTrue, int ifFalse, int constant, String note) {
    /** {@code BPF_LD | BPF_W | BPF_ABS}. */
    public static final int LOAD = 0x20;

    /** {@code BPF_ALU | BPF_AND | BPF_K}. */
    public static final int AND = 0x54;

    /** {@code BPF_ALU | BPF_XOR | BPF_K}. */
    public static final int XOR = 0xa4;

    /** {@code BPF_JMP | BPF_JA}. */
    public static final int JUMP = 0x05;

    /** {@code BPF_JMP | BPF_JEQ | BPF_K}. */
    public static final int IF_EQUAL = 0x15;

    /** {@code BPF_JMP | BPF_JGT | BPF_K}. */
    public static final int IF_GREATER = 0x25;

    /** {@code BPF_JMP | BPF_JGE | BPF_K}. */
    public static final int IF_AT_LEAST = 0x35;

    /** {@code BPF_RET | BPF_K}. */
    public static final int RETURN = 0x06;

    private static final int WORD = 4;
    private static final int ARGUMENTS = 16;
    private static final int RESULT = 0xffff_0000;

    /** For people; {@code at} is its own number. */
    public String text(int at) {
        String text = switch (code) {
            case LOAD -> "load " + field();
            case AND -> "and 0x%x".formatted(constant);
            case XOR -> "xor 0x%x".formatted(constant);
            case JUMP -> "goto " + (at + 1 + constant);
            case IF_EQUAL -> branch("==", at);
            case IF_GREATER -> branch(">", at);
            case IF_AT_LEAST -> branch(">=", at);
            case RETURN -> "return " + result();
            default -> throw new AssertionError("no such code: " + code);
        };
        return note.isEmpty() ? text : text + "   ; " + note;
    }

    private String branch(String sign, int at) {
        return "if %s 0x%x goto %d else %d".formatted(sign, constant, at + 1 + ifTrue, at + 1 + ifFalse);
    }

    private String field() {
        return switch (constant) {
            case 0 -> "number";
            case WORD -> "architecture";
            default ->
                "arg%d.%s".formatted((constant - ARGUMENTS) / Long.BYTES, constant % Long.BYTES == 0 ? "low" : "high");
        };
    }

    private String result() {
        return switch (constant & RESULT) {
            case SeccompFilter.ALLOW -> "ALLOW";
            case SeccompFilter.LOG -> "LOG";
            case SeccompFilter.ERRNO -> "ERRNO " + (constant & ~RESULT);
            case SeccompFilter.KILL_PROCESS -> "KILL_PROCESS";
            default -> throw new AssertionError("no such result: " + constant);
        };
    }
}
