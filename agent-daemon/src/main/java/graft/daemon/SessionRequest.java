package graft.daemon;

import graft.ebpf.object.CollectionSpec;
import java.util.List;

/**
 * What one user asks for: an object, where its programs run, in which processes.
 *
 * @param pids in the order they are attached to
 * @param onRefusal what becomes of the others when one place cannot be probed
 * @param onMissing what becomes of places in libraries that a process has not loaded
 */
public record SessionRequest(
        CollectionSpec object, List<LinkRequest> links, List<Integer> pids, OnRefusal onRefusal, OnMissing onMissing) {
    /** What a library that is not loaded means. */
    public enum OnMissing {
        /** Nothing is attached. */
        FAIL,
        /** Its places are attached when it is loaded. */
        WAIT
    }

    /** A request for libraries that are loaded. */
    public SessionRequest(CollectionSpec object, List<LinkRequest> links, List<Integer> pids, OnRefusal onRefusal) {
        this(object, links, pids, onRefusal, OnMissing.FAIL);
    }

    /** What a place that cannot be probed means. */
    public enum OnRefusal {
        /** Nothing is attached. */
        FAIL,
        /** It is left out and listed. */
        SKIP
    }

    /** A request that is carried out wholly or not at all. */
    public SessionRequest(CollectionSpec object, List<LinkRequest> links, List<Integer> pids) {
        this(object, links, pids, OnRefusal.FAIL);
    }

    /** The same with other links. */
    public SessionRequest with(List<LinkRequest> others) {
        return new SessionRequest(object, others, pids, onRefusal, onMissing);
    }

    /** The same for other processes. */
    public SessionRequest with(List<Integer> others, OnRefusal other) {
        return new SessionRequest(object, links, others, other, onMissing);
    }

    /** The same that does something else about libraries that are not loaded. */
    public SessionRequest with(OnMissing other) {
        return new SessionRequest(object, links, pids, onRefusal, other);
    }

    public SessionRequest {
        links = List.copyOf(links);
        pids = List.copyOf(pids);
    }
}
