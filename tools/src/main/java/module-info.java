/** The graft command. */
module graft.tools {
    requires transitive graft.daemon;
}
