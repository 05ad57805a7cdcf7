package graft.cli.vm;

/** What became of one run of a program. */
public sealed interface Outcome {
    /** It ended with exit. */
    record Returned(long r0, byte[] memory) implements Outcome {}

    /** It could not be run, or did not end well. */
    record Failed(String why) implements Outcome {}
}
