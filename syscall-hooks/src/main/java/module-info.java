/** System-call hooks: sites, events. */
module graft.syscalls {
    requires transitive graft.platform;
    requires transitive graft.ebpf;
    requires transitive graft.rewriter;
    requires transitive graft.attach;

    exports graft.syscalls;
    exports graft.syscalls.decode;
}
