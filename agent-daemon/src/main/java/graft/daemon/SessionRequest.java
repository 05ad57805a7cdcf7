package graft.daemon;

import graft.ebpf.object.CollectionSpec;
import java.util.List;

/**
 * What one user asks for: an object, where its programs run, in which processes.
 *
 * @param pids in the order they are attached to
 */
public record SessionRequest(CollectionSpec object, List<LinkRequest> links, List<Integer> pids) {
    public SessionRequest {
        links = List.copyOf(links);
        pids = List.copyOf(pids);
    }
}
