/** Sessions, links, placement. */
module graft.daemon {
    requires transitive graft.ebpf;
    requires transitive graft.rewriter;
    requires transitive graft.attach;
    requires transitive graft.uprobe;
    requires transitive graft.syscalls;
    requires transitive graft.bridge;

    exports graft.daemon;
    exports graft.daemon.control;
}
