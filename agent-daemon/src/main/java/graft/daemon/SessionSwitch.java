package graft.daemon;

import graft.attach.Attachment;
import graft.attach.Switching;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Whether a session's programs run in its processes. What is attached while they do not is switched off at once, and no switch
 * misses what comes while it is made: attachments are looked up when nothing can join.
 */
final class SessionSwitch {
    private boolean isOff; // guarded by this

    /** @return those that are not as they should be */
    synchronized List<SessionRefusal.TargetRefused> off(Supplier<List<Attachment>> attachments) {
        isOff = true;
        return each(attachments.get(), Attachment::switchOff);
    }

    /** @return those that are not as they should be */
    synchronized List<SessionRefusal.TargetRefused> on(Supplier<List<Attachment>> attachments) {
        isOff = false;
        return each(attachments.get(), Attachment::switchOn);
    }

    /** To be called when the session has it. */
    synchronized void joined(Attachment attachment) {
        if (isOff) {
            attachment.switchOff(); // what is refused has programs that do not run
        }
    }

    private static List<SessionRefusal.TargetRefused> each(
            List<Attachment> attachments, Function<Attachment, Switching> act) {
        List<SessionRefusal.TargetRefused> refused = new ArrayList<>();
        for (Attachment attachment : attachments) {
            if (act.apply(attachment) instanceof Switching.Refused(var why)) {
                refused.add(new SessionRefusal.TargetRefused(attachment.facts().pid(), why));
            }
        }
        return refused;
    }
}
