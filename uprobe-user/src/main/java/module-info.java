/** Attach points of user-space probes, resolved to plans. */
module graft.uprobe {
    requires transitive graft.platform;
    requires transitive graft.ebpf;
    requires transitive graft.rewriter;
    requires transitive graft.attach;

    exports graft.uprobe;
    exports graft.uprobe.usdt;
}
