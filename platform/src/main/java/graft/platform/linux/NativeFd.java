package graft.platform.linux;

/** A file descriptor with one owner. Closing is idempotent; {@link #number()} after closing is an error. */
public final class NativeFd implements AutoCloseable {
    private final String what;
    private int number;

    /** @param what what the descriptor refers to, for messages: {@code "memfd graft-map-counts"} */
    public NativeFd(int number, String what) {
        this.number = number;
        this.what = what;
    }

    public int number() {
        if (number < 0) {
            throw new IllegalStateException("descriptor of " + what + " is closed");
        }
        return number;
    }

    /** Ends the ownership: the caller closes the number from now on. */
    public int disown() {
        int disowned = number();
        number = -1;
        return disowned;
    }

    @Override
    public void close() {
        if (number >= 0) {
            int closing = number;
            number = -1;
            Unistd.close(closing);
        }
    }

    @Override
    public String toString() {
        return what + " (fd " + number + ")";
    }
}
