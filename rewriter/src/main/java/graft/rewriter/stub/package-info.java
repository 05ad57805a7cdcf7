/**
 * The code that runs between a patched site and an eBPF program: stubs (one per site) and thunks (one per program and
 * kind). Open {@link graft.rewriter.stub.StubWriter} first. Pure; every writer says where its bytes belong and how many
 * there can be. Vector and x87 state is never touched.
 */
package graft.rewriter.stub;
