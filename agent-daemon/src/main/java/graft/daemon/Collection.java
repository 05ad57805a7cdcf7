package graft.daemon;

import graft.daemon.image.CheckedProgram;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.MapCreation;
import graft.ebpf.maps.RingBuffer;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** An object that was accepted: its programs verified, its maps created. Owns the maps that it created. */
public final class Collection implements AutoCloseable {
    private final CollectionSpec spec;
    private final Map<String, BpfMap> maps;
    private final List<BpfMap> created;
    private final Map<String, CheckedProgram> programs;

    private Collection(
            CollectionSpec spec, Map<String, BpfMap> maps, List<BpfMap> created, Map<String, CheckedProgram> programs) {
        this.spec = spec;
        this.maps = maps;
        this.created = List.copyOf(created);
        this.programs = programs;
    }

    /** The outcome of loading. */
    public sealed interface Loading {
        /** Accepted; the caller closes it. */
        record Loaded(Collection collection) implements Loading {}

        /** Not accepted. */
        record Refused(SessionRefusal refusal) implements Loading {}
    }

    /**
     * Verifies the programs named in {@code wanted} and creates the object's maps.
     *
     * @param given maps that exist already, by name; they stay the caller's
     */
    public static Loading load(CollectionSpec spec, Set<String> wanted, Map<String, BpfMap> given) {
        Map<String, CheckedProgram> programs = new LinkedHashMap<>();
        Verifier verifier = Verifier.of(spec.maps());
        for (String name : wanted) {
            ProgSpec program = spec.programs().get(name);
            if (program == null) {
                return new Loading.Refused(new SessionRefusal.NoSuchProgram(
                        name, List.copyOf(spec.programs().keySet())));
            }
            switch (verifier.verify(program)) {
                case Verdict.Accepted(var facts) -> programs.put(name, new CheckedProgram(program, facts));
                case Verdict.Rejected(var rejection) -> {
                    return new Loading.Refused(new SessionRefusal.ProgramRejected(rejection));
                }
            }
        }
        Map<String, BpfMap> maps = new LinkedHashMap<>(given);
        List<BpfMap> created = new ArrayList<>();
        for (MapSpec map : spec.maps().values()) {
            if (!maps.containsKey(map.name())) {
                switch (MapCreation.create(map)) {
                    case MapCreation.Created(var live) -> {
                        maps.put(map.name(), live);
                        created.add(live);
                    }
                    case MapCreation.Refused(var _, var why, var suggestion) -> {
                        created.forEach(BpfMap::close);
                        return new Loading.Refused(new SessionRefusal.MapRefused(map.name(), why, suggestion));
                    }
                }
            }
        }
        return new Loading.Loaded(new Collection(spec, maps, created, programs));
    }

    public CollectionSpec spec() {
        return spec;
    }

    /** A map by name. */
    public Optional<BpfMap> map(String name) {
        return Optional.ofNullable(maps.get(name));
    }

    /** All maps, in the order of the object. */
    public List<BpfMap> maps() {
        return List.copyOf(maps.values());
    }

    /** The names of all maps. */
    public Set<String> names() {
        return Set.copyOf(maps.keySet());
    }

    /** Frees what the dead process {@code pid} holds in the maps. */
    void targetEnded(int pid) {
        for (BpfMap map : maps.values()) {
            map.releaseLocksOf(pid);
            if (map instanceof RingBuffer ring) {
                ring.reader().ownerDied(pid);
            }
        }
    }

    /** The verified programs, by name. */
    public Map<String, CheckedProgram> programs() {
        return Map.copyOf(programs);
    }

    @Override
    public void close() {
        created.forEach(BpfMap::close);
    }
}
