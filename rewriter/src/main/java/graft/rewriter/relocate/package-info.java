/**
 * Moving instructions to another address. Open {@link graft.rewriter.relocate.Relocator} first. Pure; an instruction that
 * would not have provably the same effect at its new place is refused.
 */
package graft.rewriter.relocate;
