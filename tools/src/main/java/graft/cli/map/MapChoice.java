package graft.cli.map;

import graft.cli.error.Problem;
import graft.daemon.control.SessionView;
import java.io.PrintWriter;
import java.util.Optional;

/** Which map a name on the command line means. */
final class MapChoice {
    private MapChoice() {}

    /** The map, or a failure that says which there are. */
    static ChosenMap of(String name, PrintWriter err) {
        if (name.startsWith(Pins.PREFIX)) {
            String pin = name.substring(Pins.PREFIX.length());
            return Pins.named(pin)
                    .orElseThrow(() ->
                            Problem.of("M004", "no map is pinned as " + pin).failure());
        }
        FoundSessions sessions = FoundSessions.find(err);
        boolean isUsed = sessions.all().stream()
                .flatMap(session -> session.view().maps().stream())
                .anyMatch(map -> map.spec().name().equals(name));
        Optional<ChosenMap> pinned = isUsed ? Optional.empty() : Pins.named(name);
        if (pinned.isPresent()) {
            return pinned.get();
        }
        FoundSessions.Named<SessionView.MapView> found =
                sessions.one("map", name, SessionView::maps, map -> map.spec().name());
        return ChosenMap.of(found.session(), found.thing().spec());
    }
}
