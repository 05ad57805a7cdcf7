package graft.ebpf.verifier;

/**
 * Ends the walk at an unmet obligation. Never leaves the package: {@link Verifier} turns it into a {@link Rejection}. An
 * exception rather than a result, because an obligation may fail at the bottom of any transfer function and nothing can go
 * on after it; it carries no stack trace.
 */
final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Finding finding;

    Refused(Finding finding) {
        super(finding.why(), null, false, false);
        this.finding = finding;
    }

    Finding finding() {
        return finding;
    }
}
