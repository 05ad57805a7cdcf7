package graft.daemon;

import graft.uprobe.Resolution;

/** Refusals that come when a library is loaded, long after anybody could be asked. */
final class LateRefusals {
    private LateRefusals() {}

    /** As a place that was left out; {@code request} has what was to be attached. */
    static SessionRefusal.SiteRefused of(int pid, SessionRequest request, SessionRefusal refusal) {
        if (refusal instanceof SessionRefusal.SiteRefused site) {
            return site;
        }
        String place = request.links().getFirst() instanceof LinkRequest.Uprobe link
                ? link.probe().toString()
                : request.links().getFirst().program();
        return new SessionRefusal.SiteRefused(pid, place, why(refusal), "graft list shows what the library has");
    }

    static String why(SessionRefusal refusal) {
        if (refusal instanceof SessionRefusal.TargetRefused(var _, var reason)) {
            return reason.reason();
        }
        if (refusal instanceof SessionRefusal.SiteRefused site) {
            return site.why();
        }
        if (refusal instanceof SessionRefusal.ProbeNotFound(var _, Resolution.NoSuchSymbol missing)) {
            return missing.modulePath() + " has no function " + missing.probe().symbol();
        }
        return "it could not be attached when its library was loaded";
    }
}
