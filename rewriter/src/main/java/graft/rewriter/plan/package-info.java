/**
 * From "run these programs at this function" to patch sites: chooses a tactic, proves that no branch lands in the bytes
 * it overwrites, writes the stubs. Open {@link graft.rewriter.plan.ProbePlanner} first. Pure. What is not proven is
 * refused with the reason, never guessed.
 */
package graft.rewriter.plan;
