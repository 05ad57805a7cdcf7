package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.ArrayMap;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import graft.tests.command.Sessions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that may not ask for its parent is followed all the same. */
@Tag("slow")
class FilteredParentTest {
    @TempDir
    private Path folder;

    @Test
    void itsChildrenAreSeenWithTheirNumbers() throws IOException {
        Path object = Path.of(AskedProgram.object(folder, "filtered-parent"));
        try (AskedProgram program = AskedProgram.start(AskedProgram.compile(folder, "filtered-parent"))) {
            SessionRequest request = Sessions.request(object, List.of(Integer.parseInt(program.pid())))
                    .with(ForkedChildren.FOLLOWED);
            try (Session session = Sessions.open(request, new Attacher())) {
                long child = Long.parseLong(program.answer("fork"));
                ArrayMap last = (ArrayMap) session.collection().map("LAST").orElseThrow();
                assertThat(child).isPositive();
                assertThat(last.longAt(0)).isEqualTo(child << Integer.SIZE | child);
            }
        }
    }
}
