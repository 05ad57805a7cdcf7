package graft.daemon;

import graft.ebpf.object.CollectionSpec;
import java.util.List;

/**
 * What one user asks for: an object, where its programs run, in which processes.
 *
 * @param pids in the order they are attached to
 * @param onRefusal what becomes of the others when one place cannot be probed
 */
public record SessionRequest(CollectionSpec object, List<LinkRequest> links, List<Integer> pids, OnRefusal onRefusal) {
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

    public SessionRequest {
        links = List.copyOf(links);
        pids = List.copyOf(pids);
    }
}
