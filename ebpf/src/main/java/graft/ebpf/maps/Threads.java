package graft.ebpf.maps;

/** Waiting for threads that use memory of a map. */
public final class Threads {
    private Threads() {}

    /** Also when this thread is interrupted: the memory must not go away under the other. */
    public static void join(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
