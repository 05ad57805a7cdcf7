package graft.tests.fuzz;

import graft.ebpf.verifier.Limits;

/** What a target may answer to hostile input. */
final class Outcome {
    /** Far less than the kernel's: the same code, and more inputs in the same time. */
    static final Limits BUDGET = Limits.KERNEL.withInsns(10_000);

    private Outcome() {}

    /** Runs {@code body}; an exception of the documented kind is an answer when it says something. */
    static <E extends RuntimeException> void valueOr(Class<E> documented, Runnable body) {
        try {
            body.run();
        } catch (RuntimeException refused) {
            if (!documented.isInstance(refused)) {
                throw refused;
            }
            says(refused.getMessage(), refused);
        }
    }

    /** Fails when a refusal is empty. */
    static void says(String message, Object refusal) {
        if (message == null || message.isBlank()) {
            throw new AssertionError("refused without a reason: " + refusal);
        }
    }

    static void holds(boolean fact, String otherwise) {
        if (!fact) {
            throw new AssertionError(otherwise);
        }
    }
}
