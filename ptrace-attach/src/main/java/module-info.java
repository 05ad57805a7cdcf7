/** Acting on a target: tracees, handover, patching, journal, undo. */
module graft.attach {
    requires transitive graft.platform;
    requires transitive graft.rewriter;
    requires graft.shim;

    exports graft.attach;
}
