package graft.cli.policy;

import graft.cli.policy.Comparisons.Sign;
import graft.syscalls.Argument;
import graft.syscalls.ArgumentKind;
import graft.syscalls.NamedConstants;
import graft.syscalls.SyscallSpec;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;

/** What can be asked about the arguments of a call. */
record CallFacts(SyscallSpec call) {
    private static final int MOST_PATHS = 2;
    private static final int ARGUMENTS = 6;
    private static final Set<String> NARROW = Set.of(
            "int",
            "unsigned int",
            "unsigned",
            "u32",
            "__u32",
            "pid_t",
            "uid_t",
            "gid_t",
            "umode_t",
            "key_t",
            "clockid_t",
            "mqd_t",
            "timer_t",
            "qid_t",
            "rwf_t",
            "key_serial_t");
    private static final Set<String> SIGNED = Set.of(
            "int", "long", "pid_t", "loff_t", "off_t", "ssize_t", "key_t", "clockid_t", "mqd_t", "timer_t", "rwf_t");

    /** Calls that always come back, or never: leaving them out would break the process. */
    private static final Set<String> UNAVOIDABLE = Set.of("exit", "exit_group", "rt_sigreturn", "restart_syscall");

    /** The call that is never hooked. */
    private static final String SIGRETURN = "rt_sigreturn";

    /** Arguments that are paths. */
    List<Integer> paths() {
        return IntStream.range(0, call.arguments().size())
                .filter(i -> kind(i).equals(new ArgumentKind.Text(ArgumentKind.Meaning.PATH)))
                .limit(MOST_PATHS)
                .boxed()
                .toList();
    }

    /** The argument that is the address of a socket which the call reads. */
    OptionalInt address() {
        return IntStream.range(0, call.arguments().size())
                .filter(i -> addressLength(i).isPresent())
                .findFirst();
    }

    /** The argument that says how long the address at {@code argument} is. */
    OptionalInt addressLength(int argument) {
        return kind(argument) instanceof ArgumentKind.SocketAddress(var edge, ArgumentKind.Length.Of(var length))
                        && edge == ArgumentKind.Edge.IN
                ? OptionalInt.of(length)
                : OptionalInt.empty();
    }

    private ArgumentKind kind(int argument) {
        return call.arguments().get(argument).kind();
    }

    /** A number among the arguments; those of calls that nobody describes are {@code arg0} to {@code arg5}. */
    Optional<Comparisons.Number> number(String name, NamedConstants constants) {
        if (name.matches("arg[0-5]")) {
            return Optional.of(
                    new Comparisons.Number(name.charAt(3) - '0', Long.SIZE, Sign.UNSIGNED, Optional.empty()));
        }
        for (int i = 0; i < Math.min(ARGUMENTS, call.arguments().size()); i++) {
            Argument argument = call.arguments().get(i);
            if (argument.name().equals(name) && !argument.type().contains("*")) {
                String type = argument.type().replace("const ", "").strip();
                return Optional.of(new Comparisons.Number(
                        i,
                        NARROW.contains(type) ? Integer.SIZE : Long.SIZE,
                        SIGNED.contains(type) ? Sign.SIGNED : Sign.UNSIGNED,
                        set(argument.kind()).map(constants::set)));
            }
        }
        return Optional.empty();
    }

    private static Optional<String> set(ArgumentKind kind) {
        return switch (kind) {
            case ArgumentKind.Named(var _, var set) -> Optional.of(set);
            case ArgumentKind.Number(var form) when form == ArgumentKind.Form.SIGNAL -> Optional.of("signal");
            case ArgumentKind.Number(var form) when form == ArgumentKind.Form.CLOCK -> Optional.of("clock");
            case ArgumentKind.Number _,
                    ArgumentKind.Text _,
                    ArgumentKind.Texts _,
                    ArgumentKind.Bytes _,
                    ArgumentKind.Struct _,
                    ArgumentKind.Array _,
                    ArgumentKind.Pieces _,
                    ArgumentKind.Message _,
                    ArgumentKind.SocketAddress _ -> Optional.empty();
        };
    }

    /** Whether an argument, from 0 on, is an address; of calls that nobody describes every one may be. */
    boolean pointsToMemory(int argument) {
        return call.arguments().isEmpty()
                || argument < call.arguments().size()
                        && call.arguments().get(argument).type().contains("*");
    }

    /** Why an action cannot be taken; empty when it can. */
    Optional<String> obstacle(Action action) {
        if (call.name().equals(SIGRETURN)) {
            return Optional.of("rt_sigreturn is never hooked: the end of a signal handler is no place for rules");
        }
        return action.prevents() && UNAVOIDABLE.contains(call.name())
                ? Optional.of(call.name() + " cannot be left out: the process could not go on")
                : Optional.empty();
    }

    /** The names of its numbers, for messages. */
    List<String> numbers() {
        return call.arguments().stream()
                .filter(argument -> !argument.type().contains("*"))
                .map(Argument::name)
                .toList();
    }
}
