package graft.uprobe;

import graft.platform.address.FileOffset;
import graft.platform.address.RemoteAddress;
import graft.uprobe.usdt.StaticProbe;
import java.util.Optional;

/**
 * One place in one process where a program shall run.
 *
 * @param modulePath the file as the process sees it
 * @param function name of the function that holds the place
 * @param entry the function's first instruction
 * @param size the function's bytes, 0 if unknown
 * @param address the probed instruction: {@code entry} but for {@link Probe.Kind#OFFSET}
 * @param fileOffset of {@code address} in the file, as the kernel's uprobes name the place
 * @param marker of a static probe: what the file says of it, and only of that
 */
public record AttachPoint(
        Probe.Kind kind,
        String modulePath,
        String function,
        RemoteAddress entry,
        long size,
        RemoteAddress address,
        FileOffset fileOffset,
        Optional<StaticProbe> marker) {

    /** The place of a static probe. */
    AttachPoint marked(StaticProbe probe) {
        return new AttachPoint(kind, modulePath, function, entry, size, address, fileOffset, Optional.of(probe));
    }

    /** {@code libssl.so.3:SSL_write}, with the offset if there is one. */
    public String name() {
        long offset = address.minus(entry);
        String inFunction = function + (offset == 0 ? "" : "+0x" + Long.toHexString(offset));
        return modulePath.substring(modulePath.lastIndexOf('/') + 1) + ":"
                + marker.map(StaticProbe::qualifiedName).orElse(inFunction);
    }

    @Override
    public String toString() {
        return kind.word() + ":" + name();
    }
}
