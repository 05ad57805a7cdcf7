/** eBPF: instruction model, object loader, verifier, maps, compiler. Pure but for {@code graft.ebpf.maps}. */
module graft.ebpf {
    requires transitive graft.platform;

    exports graft.ebpf.btf;
    exports graft.ebpf.btf.dwarf;
    exports graft.ebpf.insn;
    exports graft.ebpf.interp;
    exports graft.ebpf.jit;
    exports graft.ebpf.jit.ir;
    exports graft.ebpf.jit.pass;
    exports graft.ebpf.jit.x86_64;
    exports graft.ebpf.helper;
    exports graft.ebpf.maps;
    exports graft.ebpf.object;
    exports graft.ebpf.verifier;
}
