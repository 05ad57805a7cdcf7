package graft.uprobe.usdt;

import graft.platform.address.ElfVirtualAddress;
import java.util.Optional;

/**
 * One place of a static probe; a probe that the compiler inlined has several.
 *
 * @param semaphore a 16-bit counter of those who look at the probe: while it is 0, the program may skip the place and
 *     what it does to find the arguments
 * @param arguments where the arguments are, as the file says it: {@code -4@%edi 8@8(%rsp)}
 */
public record StaticProbe(
        String provider,
        String name,
        ElfVirtualAddress location,
        Optional<ElfVirtualAddress> semaphore,
        String arguments) {
    /** {@code provider:name}. */
    public String qualifiedName() {
        return provider + ":" + name;
    }
}
