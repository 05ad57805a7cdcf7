package graft.attach;

import graft.platform.linux.Mman;
import graft.platform.linux.NativeFd;
import graft.platform.linux.SharedRegion;
import graft.rewriter.PatchPlan.CodeBlock;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** The daemon's writable view of one code pool, and its memfd. Owns both. */
final class PoolImage implements AutoCloseable {
    private final Injection.Pool pool;
    private final NativeFd fd;
    /** Of the file: so a process's mappings tell which of them are pools. */
    static final String NAME = "graft-pool";

    private final SharedRegion view;

    private PoolImage(Injection.Pool pool, NativeFd fd) {
        this.pool = pool;
        this.fd = fd;
        this.view = SharedRegion.map(fd, pool.size(), SharedRegion.Access.READ_WRITE);
    }

    static PoolImage create(Injection.Pool pool) {
        return new PoolImage(pool, Mman.sealedMemfd(NAME, pool.size(), Mman.MFD_EXEC));
    }

    Injection.Pool pool() {
        return pool;
    }

    int descriptor() {
        return fd.number();
    }

    /** Copies the blocks that belong in this pool. */
    void fill(List<CodeBlock> blocks) {
        for (CodeBlock block : blocks) {
            long offset = block.address().minus(pool.address());
            if (offset >= 0 && offset + block.code().length() <= pool.size()) {
                byte[] bytes = block.code().bytes();
                MemorySegment.copy(bytes, 0, view.segment(), ValueLayout.JAVA_BYTE, offset, bytes.length);
            }
        }
    }

    @Override
    public void close() {
        view.close();
        fd.close();
    }
}
