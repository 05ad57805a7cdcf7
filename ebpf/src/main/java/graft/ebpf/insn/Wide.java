package graft.ebpf.insn;

/** What a 64-bit immediate load ({@code lddw}) puts into its register. Names are resolved by the loader, numbers never leak. */
public sealed interface Wide {
    /** A plain constant. */
    record Constant(long value) implements Wide {}

    /** The map itself, as helpers take it. */
    record MapPointer(String map) implements Wide {}

    /** An address inside the single value of an array map (global data: {@code .rodata}, {@code .data}, {@code .bss}). */
    record MapValue(String map, long offset) implements Wide {}

    /** The address of a local function, for callbacks; {@code slot} is its first slot in the same program. */
    record Function(int slot) implements Wide {}

    /** An external variable or typeless symbol of the kernel ({@code .ksyms}); unresolved and weak becomes a zero constant. */
    record KernelSymbol(String name) implements Wide {}
}
