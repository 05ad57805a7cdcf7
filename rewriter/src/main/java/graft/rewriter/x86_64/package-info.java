/**
 * The code between a patched site and a program on x86-64: stubs (one per site) and thunks (one per program and probe
 * kind). Open {@link graft.rewriter.x86_64.StubWriter} first, then {@link graft.rewriter.x86_64.ThunkWriter}. Pure:
 * bytes for a given address, nothing else.
 *
 * <p>Invariants: vector and x87 state is never touched; general registers and, where they live, flags are as before;
 * nothing is stored in the red zone of the interrupted function; all state is on the stack, so that a signal handler may
 * run the same code at any point.
 */
package graft.rewriter.x86_64;
