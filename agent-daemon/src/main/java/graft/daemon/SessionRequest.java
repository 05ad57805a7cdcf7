package graft.daemon;

import graft.ebpf.object.CollectionSpec;
import graft.ebpf.verifier.Permission;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import java.util.List;
import java.util.Set;

/**
 * What one user asks for: an object, where its programs run, in which processes.
 *
 * @param pids in the order they are attached to
 * @param onRefusal what becomes of the others when one place cannot be probed
 * @param onMissing what becomes of places in libraries that a process has not loaded
 * @param onFork whether programs run in processes that a target forks from now on
 * @param allowed what programs may do to the processes besides looking
 * @param stacks how programs in the processes walk the stack
 */
public record SessionRequest(
        CollectionSpec object,
        List<LinkRequest> links,
        List<Integer> pids,
        OnRefusal onRefusal,
        OnMissing onMissing,
        ForkedChildren onFork,
        Set<Permission> allowed,
        StackWalk stacks) {
    /** What a library that is not loaded means. */
    public enum OnMissing {
        /** Nothing is attached. */
        FAIL,
        /** Its places are attached when it is loaded. */
        WAIT
    }

    /** A request for libraries that are loaded. */
    public SessionRequest(CollectionSpec object, List<LinkRequest> links, List<Integer> pids, OnRefusal onRefusal) {
        this(object, links, pids, onRefusal, OnMissing.FAIL, ForkedChildren.LEFT, Set.of(), StackWalk.FRAME_POINTERS);
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

    /** The same with another object and its links. */
    SessionRequest with(CollectionSpec other, List<LinkRequest> others) {
        return new SessionRequest(other, others, pids, onRefusal, onMissing, onFork, allowed, stacks);
    }

    /** The same with other links. */
    public SessionRequest with(List<LinkRequest> others) {
        return new SessionRequest(object, others, pids, onRefusal, onMissing, onFork, allowed, stacks);
    }

    /** The same for other processes. */
    public SessionRequest with(List<Integer> others, OnRefusal other) {
        return new SessionRequest(object, links, others, other, onMissing, onFork, allowed, stacks);
    }

    /** The same that does something else about libraries that are not loaded. */
    public SessionRequest with(OnMissing other) {
        return new SessionRequest(object, links, pids, onRefusal, other, onFork, allowed, stacks);
    }

    /** The same that does something else about forked processes. */
    public SessionRequest with(ForkedChildren other) {
        return new SessionRequest(object, links, pids, onRefusal, onMissing, other, allowed, stacks);
    }

    /** The same with programs that may do more. */
    public SessionRequest allowing(Set<Permission> others) {
        return new SessionRequest(object, links, pids, onRefusal, onMissing, onFork, others, stacks);
    }

    /** The same that walks stacks in another way. */
    public SessionRequest with(StackWalk other) {
        return new SessionRequest(object, links, pids, onRefusal, onMissing, onFork, allowed, other);
    }

    public SessionRequest {
        links = List.copyOf(links);
        pids = List.copyOf(pids);
        allowed = Set.copyOf(allowed);
    }
}
