/** Planning of live patches: branch targets, relocation, stubs and thunks. Pure. */
module graft.rewriter {
    requires transitive graft.platform;

    exports graft.rewriter;
    exports graft.rewriter.plan;
    exports graft.rewriter.relocate;
    exports graft.rewriter.stub;
}
