/** Native access, ELF and {@code /proc} readers, machine-code buffers. The only module with native access. */
module graft.platform {
    exports graft.platform.address;
    exports graft.platform.asm;
    exports graft.platform.asm.x86_64;
    exports graft.platform.layout;
    exports graft.platform.capstone;
    exports graft.platform.elf;
    exports graft.platform.linux;
    exports graft.platform.proc;
}
