package graft.ebpf.verifier;

/** Numbers as messages show them. */
final class Texts {
    private Texts() {}

    static String interval(long min, long max) {
        if (min == max) {
            return Long.toString(min);
        }
        String least = min == Long.MIN_VALUE ? "anything" : Long.toString(min);
        String most = max == Long.MAX_VALUE ? "anything" : Long.toString(max);
        return least + " to " + most;
    }
}
