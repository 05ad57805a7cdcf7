package graft.tests.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Random formats and calls of {@code bpf_snprintf} as C. */
final class TextFormats {
    /** A call: the format, the bytes that it may fill, and its arguments as C. */
    record Call(String format, int room, List<String> arguments) {}

    private static final int MOST_PIECES = 5;
    private static final int PREPARED = 5;
    private static final int ROW_ROOM = 800;
    private static final String NUMBERS = "diuxX";
    private static final List<String> VALUES = List.of(
            "0",
            "1",
            "9",
            "10",
            "-1",
            "255",
            "4096",
            "0x7fffffff",
            "0x80000000",
            "0xffffffff",
            "0x100000000",
            "-4096",
            "0x7fffffffffffffff",
            "0x8000000000000000",
            "1234567890123456789",
            "'a'",
            "' '");
    private static final List<String> ERRORS = List.of("0", "-1", "-14", "-4095");
    private static final List<String> NOWHERE = List.of("0", "8", "-8", "1ull << 63");
    private static final List<String> IN_PROCESS =
            List.of("ctx->rdi", "ctx->rsi", "ctx->rdx", "ctx->rcx", "ctx->rdi + 7");
    private static final List<String> OWN = List.of("(__u64)own", "(__u64)own + 5");
    private static final List<String> WRONG = List.of(
            "%",
            "%p%", "%s%d", "%n", "%#x", "%.3s", "%*d", "%hd", "%llld", "%pI5", "%pk", "%pe", "%q", "%sx", "%lc", "%ls",
            "\1", "\177");

    private final Random random;
    /** Then texts are cut off, and the kernel loses its place among what it has prepared. */
    private boolean wide;

    TextFormats(long seed) {
        random = new Random(seed);
    }

    /** Most are good ones. */
    Call next() {
        StringBuilder format = new StringBuilder();
        List<String> arguments = new ArrayList<>();
        boolean whole = false;
        wide = random.nextInt(10) == 0;
        int pieces = random.nextInt(MOST_PIECES + 1);
        for (int i = 0; i < pieces; i++) {
            switch (random.nextInt(20)) {
                case 0 -> format.append("%%");
                case 1, 2 ->
                    format.append(one(List.of(
                            " ", "text", "a b\n", ":", "\t(", "\u00e4", "\u00a0", "\u00b0", "\u0080", "\u00d7")));
                case 3 -> format.append(random.nextBoolean() ? one(WRONG) : ".");
                default -> whole |= conversion(format, arguments);
            }
        }
        if (random.nextInt(8) == 0 && !arguments.isEmpty()) {
            arguments.removeLast();
        } else if (random.nextInt(15) == 0) {
            arguments.add("7");
        }
        int room = whole || random.nextBoolean() ? ROW_ROOM : random.nextInt(40);
        return new Call(format.toString(), room, arguments);
    }

    /** Whether the kernel makes a text of the argument before it writes the rest. */
    private boolean conversion(StringBuilder format, List<String> arguments) {
        format.append('%');
        for (int flags = random.nextInt(3); flags > 0; flags--) {
            format.append(one(List.of("0", "+", "-", " ")));
        }
        if (random.nextInt(3) == 0) {
            format.append(1 + random.nextInt(wide ? 100_000 : 30));
        }
        int kind = random.nextInt(10);
        switch (wide && kind == PREPARED ? PREPARED + 1 : kind) {
            case 0, 1 -> {
                return string(format, arguments);
            }
            case 2 -> {
                format.append('c');
                arguments.add(one(List.of("'x'", "'%'", "0x141", "' '")));
            }
            case 3 -> {
                format.append(one(List.of("px", "px,", "pxabc")));
                arguments.add(one(VALUES));
            }
            case 4 -> {
                format.append(one(List.of("p", "p ", "p/", "pK", "p%%")));
                arguments.add(one(ERRORS));
            }
            case PREPARED -> {
                return prepared(format, arguments);
            }
            default -> {
                format.append(one(List.of("", "l", "ll"))).append(NUMBERS.charAt(random.nextInt(NUMBERS.length())));
                arguments.add(one(VALUES));
            }
        }
        return false;
    }

    private boolean string(StringBuilder format, List<String> arguments) {
        String kind = wide ? "s" : one(List.of("s", "pks", "pus"));
        List<String> known = switch (kind) {
            case "s" -> random.nextBoolean() ? IN_PROCESS : OWN;
            case "pus" -> IN_PROCESS;
            default -> OWN;
        };
        format.append(kind).append(one(List.of("", " ", ";")));
        arguments.add(one(random.nextInt(4) == 0 ? NOWHERE : known));
        return kind.startsWith("p");
    }

    private boolean prepared(StringBuilder format, List<String> arguments) {
        String kind = one(List.of("ps", "pS", "pB", "pI4", "pi4", "pI6", "pi6", "pI4x"));
        format.append(kind);
        boolean code = kind.matches("p[sSB]");
        arguments.add(code ? one(List.of("0x1234", "0xdeadbeef", "0")) : one(random.nextInt(4) == 0 ? NOWHERE : OWN));
        return !kind.matches("p[sS]");
    }

    private String one(List<String> of) {
        return of.get(random.nextInt(of.size()));
    }

    private static String body(Call call, int row) {
        String arguments = call.arguments().isEmpty() ? "0" : String.join(", ", call.arguments());
        return """
                {
                	__u32 index = %d;
                	struct row *row = bpf_map_lookup_elem(&ROW, &index);
                	char *own = OWN;
                	__u64 values[] = {%s};
                	if (row)
                		row->result = bpf_snprintf((char *)row->text, %d, "%s", values, %d);
                	return 0;
                }
                """.formatted(
                        row,
                        arguments,
                        call.room(),
                        escaped(call.format()),
                        call.arguments().size() * 8);
    }

    private static String escaped(String format) {
        return format.chars().mapToObj("\\%03o"::formatted).collect(Collectors.joining());
    }

    private static String head(int rows) {
        return """
                #include <linux/bpf.h>
                #include <linux/ptrace.h>
                #include <bpf/bpf_helpers.h>
                struct row {
                	long result;
                	unsigned char text[%d];
                };
                struct {
                	__uint(type, BPF_MAP_TYPE_ARRAY);
                	__uint(max_entries, %d);
                	__type(key, __u32);
                	__type(value, struct row);
                } ROW SEC(".maps");
                char OWN[16] = "own.....text";
                char LICENSE[] SEC("license") = "GPL";
                """.formatted(ROW_ROOM, rows);
    }

    /** One program for each call. */
    static String programs(List<Call> calls) {
        return head(calls.size())
                + IntStream.range(0, calls.size())
                        .mapToObj(i -> "SEC(\"uprobe\") int program_%d(struct pt_regs *ctx)\n%s"
                                .formatted(i, body(calls.get(i), i)))
                        .collect(Collectors.joining());
    }

    /** One program with all calls. */
    static String program(List<Call> calls) {
        String functions = IntStream.range(0, calls.size())
                .mapToObj(i -> "static __attribute__((noinline)) int call_%d(struct pt_regs *ctx)\n%s"
                        .formatted(i, body(calls.get(i), i)))
                .collect(Collectors.joining());
        String calling = IntStream.range(0, calls.size())
                .mapToObj("\tcall_%d(ctx);\n"::formatted)
                .collect(Collectors.joining());
        return head(calls.size()) + functions + "SEC(\"uprobe\") int on_probed(struct pt_regs *ctx)\n{\n" + calling
                + "\treturn 0;\n}\n";
    }
}
