package graft.ebpf.object;

/** How much more may be compared: types of a crafted object can contain each other more often than anybody can count. */
final class CoreEffort {
    private static final int MOST = 4_000_000;

    private int left = MOST;

    void step() {
        left--;
        if (left < 0) {
            throw new RefusedException(
                    LoadResult.Reason.BAD_BTF,
                    ".BTF.ext",
                    "comparing the types of CO-RE records takes too long",
                    "compile the object again");
        }
    }
}
