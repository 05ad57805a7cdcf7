package graft.daemon.image;

import graft.attach.Injection;
import graft.platform.address.RemoteAddress;
import graft.platform.layout.PoolConstants;
import graft.platform.linux.NativeFd;
import graft.platform.linux.ZeroFile;
import graft.platform.proc.MemoryLimits;
import graft.platform.proc.MemoryMapping;
import graft.platform.proc.Overcommit;
import graft.rewriter.plan.PoolPlacement;
import java.util.List;
import java.util.Optional;

/**
 * The mapping in which calls are kept that are wrapped when no slot is free: address space, of which a process uses as many pages
 * as its stacks have where that happens. A process that may not have so much goes without, and such calls are counted as missed.
 */
final class ReturnPages {
    /** Left to the process and to what else is mapped into it. */
    private static final long SPARE = 256L << 20;

    private ReturnPages() {}

    /** Where it goes among what is {@code occupied}. */
    static Optional<RemoteAddress> place(int pid, List<MemoryMapping> present, List<PoolPlacement.Range> occupied) {
        if (ZeroFile.fd().isEmpty() || Overcommit.ofThisMachine() == Overcommit.NEVER) {
            return Optional.empty();
        }
        MemoryLimits limits = MemoryLimits.of(pid);
        long size = present.stream()
                .filter(mapping -> mapping.start().value() > 0)
                .mapToLong(MemoryMapping::size)
                .sum();
        boolean fits = PoolConstants.RETURN_PAGES_SIZE + SPARE <= Math.min(limits.addressSpace(), limits.data()) - size;
        return fits ? PoolPlacement.inLargestGap(occupied, PoolConstants.RETURN_PAGES_SIZE) : Optional.empty();
    }

    /** What the target maps. */
    static Injection.Region region(RemoteAddress address) {
        NativeFd zeros = ZeroFile.fd().orElseThrow(() -> new IllegalStateException("it was there when it was placed"));
        return new Injection.Region(
                zeros.number(),
                0,
                address,
                PoolConstants.RETURN_PAGES_SIZE,
                Injection.Protection.PRIVATE,
                "return pages");
    }
}
