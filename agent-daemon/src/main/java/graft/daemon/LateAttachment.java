package graft.daemon;

import graft.attach.Attachment;
import graft.platform.linux.Errno;
import graft.platform.linux.ProcMem;
import graft.platform.linux.SysException;
import graft.rewriter.PatchSite;
import java.util.Arrays;

/**
 * What was put into one process when a library was loaded.
 *
 * @param links programs at places
 */
record LateAttachment(Attachment attachment, int links) {
    /** Whether the library is still the one that was patched, not the same that was loaded again. */
    boolean isPatched(ProcMem memory) {
        return attachment.injection().plan().sites().stream().anyMatch(site -> isPatched(site, memory));
    }

    private static boolean isPatched(PatchSite site, ProcMem memory) {
        byte[] bytes = site.newBytes().bytes();
        try {
            return Arrays.equals(bytes, memory.readBytes(site.address(), bytes.length));
        } catch (SysException failed) {
            if (failed.is(Errno.EIO)) {
                return false; // nothing is mapped there any more
            }
            throw failed;
        }
    }
}
