/**
 * From a place in machine code to a plan for patching it. Open {@link graft.rewriter.PatchPlan} first. Pure: bytes in,
 * plan out; no native calls, no threads, no clock. Never writes to a process.
 */
package graft.rewriter;
