package graft.cli.policy;

import graft.syscalls.SyscallSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A policy as a seccomp filter, as far as a filter can say it: numbers of calls and their arguments.
 *
 * @param leftOut what it cannot say, and what that means
 */
public record SeccompFilter(List<FilterInsn> insns, List<String> leftOut) {
    static final int ALLOW = 0x7fff_0000;
    static final int LOG = 0x7ffc_0000;
    static final int ERRNO = 0x0005_0000;
    static final int KILL_PROCESS = 0x8000_0000;

    /** The longest filter that the kernel takes. */
    public static final int MOST_INSNS = 4096;

    private static final int X86_64 = 0xc000_003e;
    private static final int X32 = 0x4000_0000;
    private static final int ARCHITECTURE = 4;

    public SeccompFilter {
        insns = List.copyOf(insns);
        leftOut = List.copyOf(leftOut);
    }

    /** The filter of a policy. */
    public static SeccompFilter of(Policy policy) {
        FilterWriter out = new FilterWriter();
        List<String> leftOut = new ArrayList<>();
        FilterWriter.Label known = out.label();
        out.load(ARCHITECTURE, "calls of other architectures");
        out.branch(FilterInsn.IF_EQUAL, X86_64, known, out.next());
        out.result(KILL_PROCESS);
        out.here(known);
        out.load(0, "");
        FilterWriter.Label native64 = out.label();
        out.branch(FilterInsn.IF_AT_LEAST, X32, out.next(), native64);
        out.result(KILL_PROCESS);
        out.here(native64);
        for (Rule rule : policy.rules()) {
            obstacle(policy, rule).ifPresent(why -> leftOut.add(leftOut(rule, why)));
            if (rule.report() == Rule.Report.EACH && !(rule.action() instanceof Action.Log)) {
                leftOut.add(
                        "rule \"%s\" (line %d): log: true: nothing is reported".formatted(rule.name(), rule.line()));
            }
        }
        policy.calls().forEach(call -> add(policy, call, out));
        out.result(ALLOW);
        return new SeccompFilter(out.insns(), leftOut);
    }

    private static String leftOut(Rule rule, String why) {
        String effect = switch (rule.action()) {
            case Action.Allow _ -> "later rules and the default decide about what it would allow";
            case Action.Deny _, Action.Kill _, Action.Return _ ->
                "what it would deny is left to later rules and the default";
            case Action.Redirect _ -> "the path stays";
            case Action.Log _ -> "nothing is reported";
        };
        return "rule \"%s\" (line %d): %s; %s".formatted(rule.name(), rule.line(), why, effect);
    }

    /** Why a filter cannot say a rule. */
    private static Optional<String> obstacle(Policy policy, Rule rule) {
        if (!rule.paths().isEmpty()) {
            return Optional.of("a filter cannot read paths");
        }
        if (!rule.disturbance().equals(Disturbance.NONE)) {
            return Optional.of("a filter sends no signals but SIGSYS");
        }
        boolean readsMemory = rule.matches().stream()
                .flatMap(match -> match.alternatives().stream())
                .flatMap(List::stream)
                .anyMatch(condition -> !condition.isOfArgument());
        if (readsMemory) {
            return Optional.of("a filter cannot read addresses of sockets");
        }
        boolean isLast = policy.rules().getLast().equals(rule) && policy.otherwise() instanceof Action.Allow;
        return rule.action() instanceof Action.Log && !isLast
                ? Optional.of("in a filter, log allows the call")
                : Optional.empty();
    }

    /** One call: its rules in their order, then the default. */
    private static void add(Policy policy, SyscallSpec call, FilterWriter out) {
        FilterWriter.Label other = out.label();
        FilterWriter.Label mine = out.label();
        out.branch(FilterInsn.IF_EQUAL, call.number(), mine, out.next());
        out.jump(other);
        out.here(mine);
        for (Rule rule : policy.rules()) {
            if (obstacle(policy, rule).isPresent()) {
                continue;
            }
            for (Rule.Match match : rule.matches()) {
                if (match.call().number() == call.number()) {
                    match.alternatives().forEach(conditions -> add(rule, conditions, out));
                }
            }
        }
        out.result(result(policy.otherwise()));
        out.here(other);
    }

    private static void add(Rule rule, List<Condition> conditions, FilterWriter out) {
        FilterWriter.Label failed = out.label();
        conditions.forEach(condition -> out.require(condition, failed));
        out.result(result(rule.action()), rule.name());
        out.here(failed);
    }

    private static int result(Action action) {
        return switch (action) {
            case Action.Allow _ -> ALLOW;
            case Action.Log _ -> LOG;
            case Action.Kill _ -> KILL_PROCESS;
            case Action.Deny(var _, var error) -> ERRNO | error;
            case Action.Redirect _ -> throw new IllegalArgumentException("only rules about paths redirect");
            case Action.Return _ -> throw new IllegalArgumentException("policies have no results");
        };
    }

    /** As the kernel takes it: an array of {@code struct sock_filter}. */
    public byte[] bytes() {
        ByteBuffer out = ByteBuffer.allocate(insns.size() * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (FilterInsn insn : insns) {
            out.putShort((short) insn.code()).put((byte) insn.ifTrue()).put((byte) insn.ifFalse());
            out.putInt(insn.constant());
        }
        return out.array();
    }

    /** For people. */
    public List<String> lines() {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < insns.size(); i++) {
            lines.add("%4d  %s".formatted(i, insns.get(i).text(i)));
        }
        return lines;
    }
}
