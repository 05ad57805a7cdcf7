package graft.ebpf.verifier;

/** What the verifier says about a program. */
public sealed interface Verdict {
    /** Every path is safe. {@code facts} is what the walk learned, for the compiler. */
    record Accepted(Facts facts) implements Verdict {}

    /** Some path is unsafe, or could not be proven safe. */
    record Rejected(Rejection rejection) implements Verdict {}
}
