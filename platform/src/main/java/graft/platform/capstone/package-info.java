/**
 * Instructions as text, by an installed Capstone 4 or 5. Start with {@link graft.platform.capstone.Disassembler}.
 *
 * <p>Capstone explains; it does not decide. Where instructions begin and end is decided by {@code graft.platform.asm.x86_64}
 * wherever bytes are moved or changed: Capstone 4 refuses several AVX-512 forms. A missing library is a value, never an
 * exception, because everything but the explanation works without it. A disassembler belongs to the thread that opened
 * it.
 */
package graft.platform.capstone;
