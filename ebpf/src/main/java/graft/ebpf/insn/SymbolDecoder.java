package graft.ebpf.insn;

import java.util.Optional;

/**
 * Gives names to the numbers that the encoding carries for things outside the program. What a number means depends on
 * where the bytes come from: an object file's relocations, or file descriptors of a process that calls {@code bpf(2)}.
 *
 * <p>An empty answer makes {@link InsnDecoder} refuse the instruction.
 */
public interface SymbolDecoder {
    /** Knows no names: only programs without maps and kernel functions decode. */
    SymbolDecoder NONE = new SymbolDecoder() {
        @Override
        public Optional<Wide> wide(WideEncoding encoded, int slot) {
            return Optional.empty();
        }

        @Override
        public Optional<String> kernelFunction(KernelCall call, int slot) {
            return Optional.empty();
        }
    };

    /**
     * The meaning of a wide load with a pseudo source register other than {@link WideEncoding#CONSTANT} and
     * {@link WideEncoding#FUNCTION}, which the decoder understands by itself.
     */
    Optional<Wide> wide(WideEncoding encoded, int slot);

    /** The name of a kernel function that a call gives by number. */
    Optional<String> kernelFunction(KernelCall call, int slot);
}
