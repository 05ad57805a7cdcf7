package graft.uprobe;

import graft.platform.address.FileOffset;
import graft.platform.address.RemoteAddress;

/**
 * One place in one process where a program shall run.
 *
 * @param modulePath the file as the process sees it
 * @param function name of the function that holds the place
 * @param entry the function's first instruction
 * @param size the function's bytes, 0 if unknown
 * @param address the probed instruction: {@code entry} but for {@link Probe.Kind#OFFSET}
 * @param fileOffset of {@code address} in the file, as the kernel's uprobes name the place
 */
public record AttachPoint(
        Probe.Kind kind,
        String modulePath,
        String function,
        RemoteAddress entry,
        long size,
        RemoteAddress address,
        FileOffset fileOffset) {

    /** {@code libssl.so.3:SSL_write}, with the offset if there is one. */
    public String name() {
        long offset = address.minus(entry);
        return modulePath.substring(modulePath.lastIndexOf('/') + 1) + ":" + function
                + (offset == 0 ? "" : "+0x" + Long.toHexString(offset));
    }

    @Override
    public String toString() {
        return kind.word() + ":" + name();
    }
}
