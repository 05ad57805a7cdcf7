package graft.daemon;

import graft.attach.AgentImage;
import graft.attach.AttachResult;
import graft.attach.Attacher;
import graft.attach.Attachment;
import graft.attach.DetachProof;
import graft.attach.Injection;
import graft.attach.Refusal;
import graft.attach.TargetInspection;
import graft.daemon.image.PatchImage;
import graft.platform.linux.SysException;
import graft.platform.proc.NoSuchProcessException;
import graft.uprobe.AttachPoint;
import java.nio.file.Path;
import java.util.Optional;

/** Code that runs in a process in place of some of its own, until it is taken back. May be used by any thread. */
public final class CodePatch {
    private static final int PLANS = 10;

    private final Attachment attachment;
    private final AttachPoint point;

    private CodePatch(Attachment attachment, AttachPoint point) {
        this.attachment = attachment;
        this.point = point;
    }

    /** The outcome of applying. */
    public sealed interface Opening {
        /** The new code runs. */
        record Opened(CodePatch patch) implements Opening {}

        /** Nothing is changed. */
        record Refused(SessionRefusal refusal) implements Opening {}
    }

    /** What would be put where; no process is touched. */
    public sealed interface Preview {
        /** The plan. */
        record Planned(Injection injection) implements Preview {}

        /** Not possible, and why. */
        record Refused(SessionRefusal refusal) implements Preview {}
    }

    /** Plans the patch. */
    public static Preview preview(PatchRequest request, AgentImage agent) {
        return switch (assemble(request, agent)) {
            case PatchImage.Assembly.Assembled(var injection, var _) -> new Preview.Planned(injection);
            case PatchImage.Assembly.Refused(var refusal) -> new Preview.Refused(refusal);
        };
    }

    private static PatchImage.Assembly assemble(PatchRequest request, AgentImage agent) {
        if (TargetInspection.inspect(request.pid()) instanceof TargetInspection.Refused(var refusal)) {
            return new PatchImage.Assembly.Refused(new SessionRefusal.TargetRefused(request.pid(), refusal));
        }
        try {
            return PatchImage.assemble(request, agent);
        } catch (NoSuchProcessException | SysException gone) {
            return new PatchImage.Assembly.Refused(new SessionRefusal.TargetGone(request.pid(), gone.getMessage()));
        }
    }

    /** Applies the patch. A place for its code that the process takes meanwhile is planned anew. */
    public static Opening open(PatchRequest request, AgentImage agent, Attacher attacher) {
        for (int attempt = 1; ; attempt++) {
            Optional<Opening> opening = switch (assemble(request, agent)) {
                case PatchImage.Assembly.Refused(var refusal) -> Optional.of(new Opening.Refused(refusal));
                case PatchImage.Assembly.Assembled(var injection, var point) ->
                    attach(attacher, injection, point, attempt);
            };
            if (opening.isPresent()) {
                return opening.get();
            }
        }
    }

    /** Nothing when it is to be planned again. */
    private static Optional<Opening> attach(Attacher attacher, Injection injection, AttachPoint point, int attempt) {
        return switch (attacher.attach(injection)) {
            case AttachResult.Attached(var attachment, var _) ->
                Optional.of(new Opening.Opened(new CodePatch(attachment, point)));
            case AttachResult.Refused(var why)
            when why.kind() == Refusal.Kind.ADDRESS_TAKEN && attempt < PLANS -> Optional.empty();
            case AttachResult.Refused(var why) ->
                Optional.of(new Opening.Refused(new SessionRefusal.TargetRefused(injection.pid(), why)));
            case AttachResult.TargetGone(var pid, var during) ->
                Optional.of(new Opening.Refused(new SessionRefusal.TargetGone(pid, during)));
        };
    }

    /** Where it is. */
    public AttachPoint point() {
        return point;
    }

    /** What was put in. */
    public Injection injection() {
        return attachment.injection();
    }

    /** Whether the process still runs. */
    public boolean isAlive() {
        return attachment.isAlive();
    }

    /** Takes it back and measures that it did. */
    public DetachProof detach() {
        return attachment.detach();
    }

    /** Leaves it in the process for longer than this one lives. @return what {@code graft undo} takes it back by */
    public Path keep() {
        return attachment.keep();
    }
}
