/**
 * From a probe's name to places in a target. Open {@link graft.uprobe.Probe} first, then
 * {@link graft.uprobe.SymbolResolver}. Reads files and {@code /proc}; never writes to a process. Objects here are
 * confined to one thread.
 */
package graft.uprobe;
