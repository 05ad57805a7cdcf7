package graft.tests.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * Writes functions in assembler that make system calls in shapes that compilers do not: the number comes from anywhere, flags, red
 * zone, rcx and r11 are used behind the call, branches lead to the call and behind it, the next function begins right behind the
 * return. The same seed gives the same program. {@code random-calls.s} calls them and reports what is in the registers then.
 */
final class RandomCalls {
    /** Denied by the programs and the filter of the tests: {@code sched_yield}, {@code geteuid}, {@code close}, {@code sched_get_priority_max}. */
    static final List<Integer> DENIED = List.of(24, 107, 3, 146);

    private static final int GETPID = 39;
    private static final int KILL = 62;
    private static final int FORK = 57;
    private static final int VFORK = 58;
    private static final String AWAY = "9f";

    /**
     * Calls whose results are the same in every process of this test, and what loads their arguments. None of them ends early when a
     * signal comes, as even {@code poll} does that waits for nothing.
     */
    private static final List<Call> POOL = List.of(
            new Call(102),
            new Call(104),
            new Call(107),
            new Call(108),
            new Call(111),
            new Call(24),
            new Call(400),
            new Call(124, "xor %edi, %edi"),
            new Call(3, "mov $-7, %edi"),
            new Call(32, "mov $-7, %edi"),
            new Call(8, "mov $-7, %edi", "movabs $0x123456789a, %rsi"),
            new Call(72, "mov $-7, %edi", "mov $1, %esi"),
            new Call(146, "mov $1, %edi"),
            new Call(147, "push $2; pop %rdi"),
            new Call(14, "xor %edi, %edi", "xor %esi, %esi", "lea buffer(%rip), %rdx", "mov $8, %r10d"),
            new Call(229, "mov $1, %edi", "mov $buffer, %esi"),
            new Call(97, "mov $3, %edi", "lea buffer+16(%rip), %rsi"),
            new Call(157, "mov $16, %edi", "mov $buffer+32, %esi"),
            new Call(28, "mov $1, %edi", "mov $4096, %esi"),
            new Call(140, "xor %edi, %edi", "xor %esi, %esi"));

    private static final List<Call> WITHOUT_ARGUMENTS =
            POOL.stream().filter(call -> call.arguments().isEmpty()).toList();

    private final SplittableRandom random;
    private final StringBuilder out = new StringBuilder();
    private final Map<String, Function> functions = new TreeMap<>();
    private Function function = new Function("");

    /** A call and its arguments, in any order. */
    private record Call(int number, List<String> arguments) {
        Call(int number, String... arguments) {
            this(number, List.of(arguments));
        }
    }

    /** A function of the program, and the numbers that it calls. */
    record Function(String name, List<Integer> numbers) {
        Function(String name) {
            this(name, new ArrayList<>());
        }
    }

    private RandomCalls(long seed) {
        this.random = new SplittableRandom(seed);
    }

    /** A program's source, and its functions in the order of their reports. */
    record Source(String text, List<Function> functions) {}

    static Source of(long seed, int count) {
        RandomCalls calls = new RandomCalls(seed);
        List<Function> functions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            functions.add(calls.function("f" + i));
        }
        calls.tables(functions);
        return new Source(calls.out.toString(), functions);
    }

    private Function function(String name) {
        function = new Function(name);
        line(".p2align " + (random.nextBoolean() ? 4 : 0));
        out.append(".type ").append(name).append(", @function\n").append(name).append(":\n");
        switch (random.nextInt(14)) {
            case 0, 1, 2 -> straight();
            case 3 -> loop();
            case 4 -> branchToTheCall();
            case 5 -> branchBehindTheCall();
            case 6 -> neighbours();
            case 7 -> secondTry();
            case 8 -> flag("std", "cld");
            case 9 -> flag("pushfq; orl $0x40000, (%rsp); popfq", "pushfq; andl $~0x40000, (%rsp); popfq");
            case 10 -> lone();
            case 11 -> child(random.nextBoolean() ? FORK : VFORK);
            case 12 -> raise();
            default -> keptFlags();
        }
        line("9: ret");
        out.append(".size ").append(name).append(", . - ").append(name).append("\n");
        return function;
    }

    private void line(String text) {
        out.append('\t').append(text).append('\n');
    }

    private static <T> T one(SplittableRandom random, List<T> many) {
        return many.get(random.nextInt(many.size()));
    }

    private void straight() {
        Call call = one(random, POOL);
        int kept = 8 * random.nextInt(1, 17);
        boolean keeps = random.nextBoolean();
        arguments(call);
        if (keeps) {
            line("mov %rbp, -" + kept + "(%rsp)");
        }
        call(call.number());
        behind(call.number());
        if (keeps) {
            line("mov -" + kept + "(%rsp), %rdx");
        }
    }

    private void loop() {
        Call call = one(random, POOL);
        line("mov $" + random.nextInt(1, 4) + ", %ebx");
        out.append("1:\n");
        arguments(call);
        call(call.number());
        behind(call.number());
        line("dec %ebx");
        line("jnz 1b");
    }

    private void branchToTheCall() {
        Call first = one(random, WITHOUT_ARGUMENTS);
        Call second = one(random, WITHOUT_ARGUMENTS);
        line("mov $" + first.number() + ", %eax");
        line("test $0x40, %bpl");
        line("jnz 2f");
        line("mov $" + second.number() + ", %eax");
        gap();
        out.append("2:\tsyscall\n");
        function.numbers().addAll(List.of(first.number(), second.number()));
        behind(DENIED.contains(second.number()) ? second.number() : first.number());
    }

    private void branchBehindTheCall() {
        Call call = one(random, POOL);
        line("test $0x40, %bpl");
        line("jnz 3f");
        arguments(call);
        call(call.number());
        out.append("3:\n");
        behind(DENIED.getFirst()); // what came by the branch has its own r11
    }

    private void neighbours() {
        Call first = one(random, POOL);
        Call second = one(random, POOL);
        arguments(first);
        call(first.number());
        line(one(random, List.of("mov %rax, %r9", "nop", "xchg %rax, %rbp", "mov %eax, %r8d; nopl (%rax)")));
        arguments(second);
        call(second.number());
        behind(second.number());
    }

    private void secondTry() {
        Call call = one(random, POOL);
        arguments(call);
        line("mov $" + call.number() + ", %r9d");
        line("mov %r9, %rax");
        line("syscall");
        line("cmp $-38, %rax");
        line("jne " + AWAY);
        line("mov %r9, %rax");
        line("syscall");
        function.numbers().add(call.number());
        if (random.nextBoolean()) {
            behind(call.number());
        }
    }

    private void flag(String set, String clear) {
        Call call = one(random, POOL);
        arguments(call);
        line(set);
        call(call.number());
        line(clear);
    }

    private void lone() {
        Call call = one(random, POOL);
        arguments(call);
        call(call.number());
    }

    private void keptFlags() {
        Call call = one(random, POOL);
        arguments(call);
        line(one(random, List.of("stc", "cmp %rbp, %rsi", "xor %r9d, %r9d", "add $0x7fffffff, %r12d")));
        line("mov $" + call.number() + ", %eax");
        line("syscall");
        function.numbers().add(call.number());
        line(one(
                random,
                List.of("setc %r8b", "seto %r9b", "adc $3, %r13", "lahf; mov %eax, %r12d", "cmovz %rbp, %r14")));
    }

    /** It shares the stack until it ends, which holds the parent. */
    private void child(int number) {
        call(number);
        line("test %eax, %eax");
        line("jnz 4f");
        line("mov $7, %edi");
        line("mov $60, %eax");
        line("syscall");
        out.append("4:\tmov $-1, %edi\n");
        line("lea buffer(%rip), %rsi");
        line("xor %edx, %edx");
        line("xor %r10d, %r10d");
        call(61);
        line("mov %eax, %eax; neg %rax; sbb %rax, %rax");
        line("xor %ecx, %ecx");
    }

    private void raise() {
        call(GETPID);
        line("mov %eax, %edi");
        line("mov $10, %esi"); // SIGUSR1
        call(KILL);
        line("xor %edi, %edi");
    }

    private void arguments(Call call) {
        List<String> rest = new ArrayList<>(call.arguments());
        while (!rest.isEmpty()) {
            line(rest.remove(random.nextInt(rest.size())));
            if (random.nextInt(4) == 0) {
                gap();
            }
        }
    }

    private void gap() {
        line(one(random, List.of("nop", "xchg %ax, %ax", "nopl (%rax)", "nopl 0x12345678(%rax)", "mov %r12, %r12")));
    }

    private void call(int number) {
        function.numbers().add(number);
        line(
                switch (random.nextInt(7)) {
                    case 0 -> "mov $" + number + ", %rax";
                    case 1 -> "push $" + number + "; pop %rax";
                    case 2 -> "mov $" + number + ", %r13d; mov %r13d, %eax";
                    case 3 -> "lea " + number + ", %eax";
                    case 4 ->
                        "xor %eax, %eax; mov $" + (number & 0xff) + ", %al"
                                + (number > 0xff ? "; or $" + (number & 0xf00) + ", %eax" : "");
                    default -> "mov $" + number + ", %eax";
                });
        if (random.nextInt(3) == 0) {
            gap();
        }
        line("syscall");
    }

    /** What a compiler may put behind the call, and what it does not; a call that is left out does not put flags into r11. */
    private void behind(int number) {
        List<String> first = new ArrayList<>(List.of(
                "cmp $-4095, %rax; jae " + AWAY,
                "test %eax, %eax; js " + AWAY,
                "mov %rax, %r8",
                "mov %rcx, %r14",
                "xchg %rax, %rbp",
                "nop",
                "mov %eax, %r9d; nopl 0(%rax, %rax)",
                "jmp 5f; ud2; 5:"));
        if (!DENIED.contains(number)) {
            first.add("mov %r11, %r15; and $~0x8d5, %r15");
        }
        for (int i = random.nextInt(3); i >= 0; i--) {
            line(one(random, first));
        }
    }

    private void tables(List<Function> all) {
        out.append(".data\n.p2align 3\n.globl functions, registers, count\nfunctions:\n");
        all.forEach(function -> out.append("\t.quad ").append(function.name()).append('\n'));
        out.append("count: .quad ").append(all.size()).append("\nregisters:\n");
        for (int i = 0; i < 15 * all.size(); i++) {
            out.append("\t.quad ").append(random.nextLong()).append('\n');
        }
    }
}
