package graft.tests.command;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.AgentImage;
import graft.attach.Attacher;
import graft.daemon.SectionLinks;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.LoadResult;
import graft.ebpf.object.ObjectLoader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Opens sessions of an object whose sections name their places. */
public final class Sessions {
    private Sessions() {}

    public static Session open(Path object, List<Integer> pids) throws IOException {
        return open(request(object, pids), new Attacher());
    }

    public static Session open(SessionRequest request, Attacher attacher) {
        Session.Opening opening = Session.open(request, Map.of(), AgentImage.load(), attacher);
        assertThat(opening).isInstanceOf(Session.Opening.Opened.class);
        return ((Session.Opening.Opened) opening).session();
    }

    public static SessionRequest request(Path object, List<Integer> pids) throws IOException {
        LoadResult result = ObjectLoader.load(object.toString(), Files.readAllBytes(object), Optional::empty);
        assertThat(result).isInstanceOf(LoadResult.Loaded.class);
        CollectionSpec spec = ((LoadResult.Loaded) result).spec();
        return new SessionRequest(spec, SectionLinks.of(spec).links(), pids);
    }
}
