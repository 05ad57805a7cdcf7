package graft.ebpf.verifier;

import graft.ebpf.object.ProgType;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Programs that compute an index from unknown numbers and read a map value with it: bounds decide their verdict. */
final class RandomPrograms {
    private static final String[] OPS = {"+=", "-=", "*=", "|=", "&=", "^=", "<<=", ">>=", "s>>=", "/=", "%=", "="};
    private static final String[] JUMPS = {"==", "!=", ">", ">=", "<", "<=", "s>", "s>=", "s<", "s<=", "&"};
    private static final int[] NUMBERS = {
        0, 1, 2, 3, 7, 8, 15, 16, 30, 31, 32, 63, 255, -1, -2, -8, 0x7fffffff, 0x80000000
    };

    private final Random random;

    RandomPrograms(long seed) {
        this.random = new Random(seed);
    }

    List<VerifierCases.Case> take(int count) {
        return IntStream.range(0, count)
                .mapToObj(number -> new VerifierCases.Case("random " + number, ProgType.UPROBE, "", program()))
                .toList();
    }

    private String program() {
        StringBuilder code = new StringBuilder("r6 = *(u64 *)(r1 +0)\nr7 = *(u32 *)(r1 +8)\nr8 = *(u8 *)(r1 +16)\n");
        for (int count = 1 + random.nextInt(9); count > 0; count--) {
            code.append(statement()).append('\n');
        }
        return code + "r9 = value data 0\nr9 += r6\nr0 = *(u8 *)(r9 +0)\nE:\nr0 = 0\nexit\n";
    }

    private String statement() {
        return switch (random.nextInt(8)) {
            case 0 -> "r6 &= " + (random.nextBoolean() ? 31 : 15);
            case 1, 2 -> "if %s %s %s goto E".formatted(reg("r"), pick(JUMPS), operand("r"));
            case 3 -> "if %s %s %s goto E".formatted(reg("w"), pick(JUMPS), operand("w"));
            case 4 -> "r6 = " + reg("r");
            case 5 ->
                random.nextBoolean() ? spill() : "%s = (s%d)%s".formatted(reg("r"), 8 << random.nextInt(3), reg("r"));
            case 6 -> arithmetic("w", 31);
            default -> arithmetic("r", 63);
        };
    }

    private String spill() {
        int bits = random.nextBoolean() ? 64 : 32;
        return "*(u%d *)(r10 -8) = %s\nr6 = *(u%d *)(r10 -8)"
                .formatted(bits, reg("r"), random.nextBoolean() ? bits : 32);
    }

    private String arithmetic(String letter, int mostShift) {
        String op = pick(OPS);
        String target = reg(letter);
        if (op.contains("<<") || op.contains(">>")) {
            return target + " " + op + " " + (random.nextInt(4) == 0 ? reg(letter) : random.nextInt(mostShift + 1));
        }
        boolean divides = op.equals("/=") || op.equals("%=");
        return target + " " + op + " " + (divides ? "3" : operand(letter));
    }

    private String operand(String letter) {
        return random.nextInt(3) == 0 ? reg(letter) : Integer.toString(NUMBERS[random.nextInt(NUMBERS.length)]);
    }

    private String reg(String letter) {
        return letter + (6 + random.nextInt(3));
    }

    private String pick(String[] from) {
        return from[random.nextInt(from.length)];
    }
}
