/** The code that runs inside a target or a client, as resources. No Java logic beyond finding them. */
module graft.shim {
    exports graft.shim;
}
