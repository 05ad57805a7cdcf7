/**
 * An x86-64 machine-code writer for integer code: {@link graft.platform.asm.x86_64.X64Assembler} first. Families of
 * instructions are rows of small enums ({@link graft.platform.asm.x86_64.Arith}, {@link graft.platform.asm.x86_64.Shift},
 * {@link graft.platform.asm.x86_64.Unary}, {@link graft.platform.asm.x86_64.Locked}, {@link
 * graft.platform.asm.x86_64.Plain}); one engine encodes prefixes, ModRM and SIB. Pure.
 */
package graft.platform.asm.x86_64;
