/** The kernel's own eBPF. */
module graft.bridge {
    requires transitive graft.platform;
    requires transitive graft.ebpf;

    exports graft.bridge;
}
