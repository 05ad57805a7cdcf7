package graft.ebpf.insn;

/**
 * Gives the numbers that the encoding carries for things outside the program. The receiver of the bytes decides them:
 * file descriptors for {@code bpf(2)}, addresses for something else.
 */
public interface SymbolEncoder {
    /** Refuses every name: for programs without maps and kernel functions. */
    SymbolEncoder NONE = new SymbolEncoder() {
        @Override
        public WideEncoding mapPointer(String map) {
            throw new IllegalArgumentException("no number for map " + map);
        }

        @Override
        public WideEncoding mapValue(String map, long offset) {
            throw new IllegalArgumentException("no number for map " + map);
        }

        @Override
        public WideEncoding kernelSymbol(String name) {
            throw new IllegalArgumentException("no address for kernel symbol " + name);
        }

        @Override
        public KernelCall kernelFunction(String name) {
            throw new IllegalArgumentException("no number for kernel function " + name);
        }
    };

    /** How to encode {@link Wide.MapPointer}. */
    WideEncoding mapPointer(String map);

    /** How to encode {@link Wide.MapValue}. */
    WideEncoding mapValue(String map, long offset);

    /** How to encode {@link Wide.KernelSymbol}. */
    WideEncoding kernelSymbol(String name);

    /** How to encode {@link Insn.CallKernelFunction}. */
    KernelCall kernelFunction(String name);
}
