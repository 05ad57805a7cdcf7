/**
 * The verifier: {@link graft.ebpf.verifier.Verifier} first, then {@link graft.ebpf.verifier.Verdict}.
 *
 * <p>It walks every path of a program with an abstract state (registers and stack of each frame, references held), as the
 * Linux kernel does, and refuses whatever it cannot prove safe. One {@code Transfer} per instruction kind changes the
 * state, sealed {@code Obligation}s say what must hold, {@code Walk} chooses the next path and prunes those that an
 * older, finished walk covers.
 *
 * <p>Invariants: values are immutable, so states share them; an accepted program never touches memory outside its stack,
 * its context, map values and records. Pure: no native calls, no clock, no threads; verifiers may be shared.
 */
package graft.ebpf.verifier;
