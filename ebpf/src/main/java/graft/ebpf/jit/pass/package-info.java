/**
 * What makes code shorter and faster, each idea in its own class; {@link graft.ebpf.jit.pass.Passes} has the order. A
 * {@link graft.ebpf.jit.pass.Rewrite} changes one operation by what is known where it stands, and many of them share one
 * walk; the others change the graph. Every pass keeps a function right by itself and can be left out.
 */
package graft.ebpf.jit.pass;
