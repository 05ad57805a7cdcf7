package graft.daemon;

import graft.attach.AgentImage;
import graft.attach.Attacher;
import graft.attach.DetachProof;
import graft.ebpf.insn.Assembler;
import graft.ebpf.insn.InsnList;
import graft.ebpf.maps.ArrayMap;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import graft.uprobe.Probe;
import graft.uprobe.Resolution;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Learns when the dynamic loader of one process maps or unmaps libraries, by a probe on the function that it calls for
 * debuggers. The thread that loads waits in the probe until {@link #answer}, but not for long. Closing takes it back.
 */
final class LoaderWatch implements AutoCloseable {
    private static final String PROGRAM = "library_loaded";
    private static final String CALLEE = "is_answered";
    private static final String MAP = ".loader";
    private static final int BELL_BYTES = 16;
    /** glibc's own loader, then libraries that are their own loader. */
    private static final List<String> LOADERS = List.of("ld-linux-x86-64.so.2", "ld-musl-x86_64.so.1", "libc.so");

    private final Session session;
    private final ArrayMap bell;

    private LoaderWatch(Session session, ArrayMap bell) {
        this.session = session;
        this.bell = bell;
    }

    /** The outcome of {@link #open}. */
    sealed interface Opening {
        /** Loads and unloads are seen. */
        record Watched(LoaderWatch watch) implements Opening {}

        /** They cannot be, and why. */
        record Refused(String reason) implements Opening {}
    }

    /** Watches the loader of process {@code pid}. */
    static Opening open(int pid, AgentImage agent, Attacher attacher) {
        String reason = "it has no dynamic loader";
        for (String loader : LOADERS) {
            Probe place = new Probe(Probe.Kind.ENTRY, loader, "_dl_debug_state", 0);
            SessionRequest request =
                    new SessionRequest(object(), List.of(new LinkRequest.Uprobe(PROGRAM, place, 0)), List.of(pid));
            switch (Session.open(request, Map.of(), agent, attacher)) {
                case Session.Opening.Opened(var session) -> {
                    ArrayMap bell = (ArrayMap)
                            session.collection().map(MAP).orElseThrow(() -> new AssertionError("no map " + MAP));
                    return new Opening.Watched(new LoaderWatch(session, bell));
                }
                case Session.Opening.Refused(SessionRefusal.ProbeNotFound(var _, Resolution.NoSuchModule _)) -> {
                    // another loader, or none
                }
                case Session.Opening.Refused(SessionRefusal.ProgramRejected(var rejection)) ->
                    throw new AssertionError("library-loaded.s: " + rejection);
                case Session.Opening.Refused(var refusal) -> reason = LateRefusals.why(refusal);
            }
        }
        return new Opening.Refused(reason);
    }

    private static CollectionSpec object() {
        Assembler.Result.Assembled program = assembled();
        InsnList insns = program.insns();
        int callee = program.labels().get(CALLEE);
        ProgSpec spec = new ProgSpec(
                PROGRAM,
                "uprobe",
                ProgType.UPROBE,
                Optional.empty(),
                insns,
                List.of(
                        new ProgSpec.Function(PROGRAM, 0, callee, 0),
                        new ProgSpec.Function(CALLEE, callee, insns.slots() - callee, 0)),
                List.of(),
                "Dual BSD/GPL");
        MapSpec map = MapSpec.of(MAP, MapType.ARRAY, Integer.BYTES, BELL_BYTES, 1);
        return new CollectionSpec("the watch of the loader", Map.of(MAP, map), Map.of(PROGRAM, spec), Optional.empty());
    }

    private static Assembler.Result.Assembled assembled() {
        try (InputStream in = LoaderWatch.class.getResourceAsStream("library-loaded.s")) {
            return switch (Assembler.assemble(new String(in.readAllBytes(), StandardCharsets.UTF_8))) {
                case Assembler.Result.Assembled assembled -> assembled;
                case Assembler.Result.Refused refused -> throw new AssertionError("library-loaded.s: " + refused);
            };
        } catch (IOException e) {
            throw new UncheckedIOException("reading library-loaded.s", e);
        }
    }

    /** How often the loader has rung. */
    long rung() {
        return bell.longAt(0);
    }

    /** Lets threads go on that have rung no later than that. */
    void answer(long rung) {
        bell.value(0).set(ValueLayout.JAVA_LONG, Long.BYTES, rung);
    }

    boolean hasLiveTarget() {
        return session.hasLiveTarget();
    }

    /** Lets everybody go on and takes the probe back. */
    List<DetachProof> detach() {
        answer(Long.MAX_VALUE);
        return session.detach();
    }

    @Override
    public void close() {
        detach();
        session.close();
    }
}
