package graft.cli.option;

import graft.cli.error.Problem;
import graft.daemon.StackWalk;
import picocli.CommandLine.Option;

/** How programs walk stacks. */
public final class StacksOption {
    @Option(
            names = "--stacks",
            paramLabel = "HOW",
            description = "how programs in processes walk the stack: frame-pointers (default), as the kernel does, or "
                    + "unwind, which takes the files' tables for unwinding and finds the callers of optimised code too")
    private String how = "frame-pointers";

    /** For picocli. */
    public StacksOption() {}

    /** The way, or a usage error for a word that means nothing. */
    public StackWalk walk() {
        return switch (how) {
            case "frame-pointers" -> StackWalk.FRAME_POINTERS;
            case "unwind" -> StackWalk.UNWIND;
            default ->
                throw Problem.of("U001", "--stacks " + how + ": no such way to walk a stack")
                        .because("there are: frame-pointers, unwind")
                        .remedy("--stacks unwind")
                        .failure();
        };
    }

    /** A usage error when stacks are to be unwound where only the kernel walks them. */
    public void requireProcesses(String why) {
        if (walk() == StackWalk.UNWIND) {
            throw Problem.of("U001", "--stacks unwind: no program runs in a process")
                    .because(why)
                    .remedy("without --stacks, or --where user")
                    .failure();
        }
    }
}
