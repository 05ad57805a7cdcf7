package graft.platform.keystone;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.Decoding;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whether branches go where the text says. Keystone cuts displacements that do not fit without a word: the target of a
 * {@code jmp} more than 2 GiB away, and of {@code jrcxz} and {@code loop} more than 127 bytes away.
 */
final class BranchCheck {
    private static final Pattern BRANCH =
            Pattern.compile("(?:\\w+:\\s*)*(j[a-z]+|call|loop[a-z]*|xbegin)\\s+(?:short\\s+)?([\\w.$+-]+)");
    private static final Pattern REGISTER = Pattern.compile("r[a-z0-9]+|e[a-d]x|[er]?[sd]i|[er]?[sb]p");
    private static final int SHORT_REACH = 127;

    private record Branch(String statement, String mnemonic, String target) {
        boolean isToNumber() {
            return Character.isDigit(target.charAt(0));
        }

        boolean isShortOnly() {
            return mnemonic.startsWith("loop") || mnemonic.endsWith("cxz");
        }
    }

    private BranchCheck() {}

    /** The first branch that is wrong, or cannot be checked. */
    static Optional<Assembly.Rejected> problem(List<String> statements, byte[] code, RemoteAddress address) {
        List<Branch> wanted = branches(statements);
        boolean harmless = wanted.stream().noneMatch(Branch::isToNumber)
                && (code.length <= SHORT_REACH || wanted.stream().noneMatch(Branch::isShortOnly));
        if (harmless) {
            return Optional.empty();
        }
        List<RemoteAddress> actual = targets(code, address);
        if (actual.size() != wanted.size()) {
            return Optional.of(new Assembly.Rejected(
                    wanted.getFirst().statement(), "the branches beside this data cannot be checked for their reach"));
        }
        for (int i = 0; i < wanted.size(); i++) {
            Optional<String> why = wrong(wanted.get(i), actual.get(i), code.length);
            if (why.isPresent()) {
                return Optional.of(new Assembly.Rejected(wanted.get(i).statement(), why.get()));
            }
        }
        return Optional.empty();
    }

    private static Optional<String> wrong(Branch wanted, RemoteAddress actual, int size) {
        if (!wanted.isToNumber()) {
            return wanted.isShortOnly() && size > SHORT_REACH
                    ? Optional.of("a label may be out of its reach of 127 bytes; put it into shorter code")
                    : Optional.empty();
        }
        try {
            String digits = wanted.target();
            long target = digits.startsWith("0x")
                    ? Long.parseUnsignedLong(digits.substring(2), 16)
                    : Long.parseUnsignedLong(digits);
            return target == actual.value() ? Optional.empty() : Optional.of("the target is out of reach");
        } catch (NumberFormatException _) {
            return Optional.of("write the target as 0x and hexadecimal digits, or in decimal");
        }
    }

    private static List<Branch> branches(List<String> statements) {
        List<Branch> branches = new ArrayList<>();
        for (String statement : statements) {
            Matcher matcher = BRANCH.matcher(statement.toLowerCase(Locale.ROOT));
            if (matcher.matches() && !REGISTER.matcher(matcher.group(2)).matches()) {
                branches.add(new Branch(statement, matcher.group(1), matcher.group(2)));
            }
        }
        return branches;
    }

    private static List<RemoteAddress> targets(byte[] code, RemoteAddress address) {
        List<RemoteAddress> targets = new ArrayList<>();
        int at = 0;
        while (at < code.length) {
            switch (X64Decoder.decode(code, at, address.plus(at))) {
                case X64Insn insn -> {
                    insn.branchTarget().ifPresent(targets::add);
                    at += insn.length();
                }
                case Decoding.Refused _ -> at++;
            }
        }
        return targets;
    }
}
