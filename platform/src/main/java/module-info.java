/** Native access, ELF and {@code /proc} readers, machine-code buffers. The only module with native access. */
module graft.platform {
    // Only the WebAssembly build of Keystone needs them; graft.tools has them at run time.
    requires static run.endive.runtime;
    requires static run.endive.wasm;

    exports graft.platform.address;
    exports graft.platform.asm;
    exports graft.platform.asm.x86_64;
    exports graft.platform.keystone;
    exports graft.platform.layout;
    exports graft.platform.capstone;
    exports graft.platform.elf;
    exports graft.platform.linux;
    exports graft.platform.proc;
}
