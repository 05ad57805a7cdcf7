package graft.cli.map;

import graft.daemon.control.SessionView;
import java.io.PrintWriter;

/** Which map a name on the command line means. */
final class MapChoice {
    private MapChoice() {}

    /** The map, or a failure that says which there are. */
    static ChosenMap of(String name, PrintWriter err) {
        FoundSessions.Named<SessionView.MapView> found = FoundSessions.find(err)
                .one("map", name, SessionView::maps, map -> map.spec().name());
        return ChosenMap.of(found.session(), found.thing().spec());
    }
}
