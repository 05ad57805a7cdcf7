package graft.platform.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;

/**
 * A page of shared memory by which other processes see at once that this one has died, even by SIGKILL. Its first word
 * holds the id of a thread of this process and is registered as a robust futex (kernel documentation,
 * {@code locking/robust-futex-ABI}): as the thread dies, the kernel sets it to {@code FUTEX_OWNER_DIED}, 0x40000000.
 */
public final class Lifeline {
    private static final long PAGE = 4096;
    /** In the page: the entry of the thread's list of robust futexes. */
    private static final long NODE = 8;
    /** {@code struct robust_list_head}: first entry, distance from an entry to its futex, entry in transition. */
    private static final long HEAD_BYTES = 24;

    private final NativeFd fd;
    private final SharedRegion page;

    /** Made at the first use, for the rest of this process's life. */
    private static Optional<Lifeline> made = Optional.empty();

    private Lifeline() {
        this.fd = Mman.sealedMemfd("graft-lifeline", PAGE, Mman.MFD_NOEXEC_SEAL);
        this.page = SharedRegion.map(fd, PAGE, SharedRegion.Access.READ_WRITE);
        // From here on others can only map it to read.
        Mman.addSeals(fd, Mman.F_SEAL_FUTURE_WRITE);
    }

    /**
     * This process's lifeline.
     *
     * @throws SysException when the page cannot be made
     */
    public static synchronized Lifeline ofThisProcess() {
        if (made.isEmpty()) {
            made = Optional.of(start());
        }
        return made.get();
    }

    /** The page, to be mapped by others. Borrowed: stays open. */
    public NativeFd fd() {
        return fd;
    }

    private static Lifeline start() {
        Lifeline lifeline = new Lifeline();
        CompletableFuture<Optional<SysException>> ready = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("graft-lifeline").start(() -> lifeline.hold(ready));
        ready.join().ifPresent(failed -> {
            lifeline.page.close();
            lifeline.fd.close();
            throw failed;
        });
        return lifeline;
    }

    /** The thread's own list takes the place of libc's, which is for robust mutexes; this thread has none. */
    private void hold(CompletableFuture<Optional<SysException>> ready) {
        try {
            MemorySegment word = page.segment();
            MemorySegment head = Arena.global().allocate(HEAD_BYTES, Long.BYTES);
            long node = word.address() + NODE;
            word.set(ValueLayout.JAVA_LONG, NODE, head.address());
            head.set(ValueLayout.JAVA_LONG, 0, node);
            head.set(ValueLayout.JAVA_LONG, 8, -NODE);
            word.set(ValueLayout.JAVA_INT, 0, (int) Syscall.GETTID.raw(0, 0, 0, 0, 0, 0));
            long result = Syscall.SET_ROBUST_LIST.raw(head.address(), HEAD_BYTES, 0, 0, 0, 0);
            Syscall.SET_ROBUST_LIST.checked(result, "registering the lifeline");
            ready.complete(Optional.empty());
        } catch (SysException failed) {
            ready.complete(Optional.of(failed));
            return;
        }
        while (true) {
            LockSupport.park(this);
        }
    }
}
