package graft.rewriter.plan;

import graft.rewriter.PatchSite;
import java.util.List;

/** The place of one stub, or why there is none. */
sealed interface Site {
    /** The bytes that change, the place that was asked for first. */
    record Written(List<PatchSite> patches) implements Site {
        public Written {
            patches = List.copyOf(patches);
        }
    }

    /** Not possible. */
    record Refused(Planned.Refused refusal) implements Site {}

    static Site refused(Planned.Reason reason, String why) {
        return new Refused(new Planned.Refused(
                reason,
                why,
                "let the kernel run it (--where kernel), or probe another place: graft survey lists them"));
    }

    default Planned planned() {
        return switch (this) {
            case Written(var patches) -> new Planned.Patchable(patches);
            case Refused(var refusal) -> refusal;
        };
    }
}
