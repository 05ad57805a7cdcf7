/**
 * Machine code of x86-64, written and read. {@link graft.platform.asm.x86_64.X64Assembler} writes integer code: families
 * of instructions are rows of small enums ({@link graft.platform.asm.x86_64.Arith}, {@link
 * graft.platform.asm.x86_64.Shift}, {@link graft.platform.asm.x86_64.Unary}, {@link graft.platform.asm.x86_64.Locked},
 * {@link graft.platform.asm.x86_64.Plain}); one engine encodes prefixes, ModRM and SIB. {@link
 * graft.platform.asm.x86_64.X64Decoder} finds instruction boundaries and the parts that matter when an instruction moves;
 * what is not known for certain is refused, never guessed. Pure: no native calls.
 */
package graft.platform.asm.x86_64;
