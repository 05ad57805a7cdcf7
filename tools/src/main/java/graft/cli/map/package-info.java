/**
 * {@code graft map}: the maps of sessions that other graft processes run. {@link graft.cli.map.ChosenMap} finds the one that
 * is meant; {@link graft.cli.map.MapRows} prints keys and values, also those of the session's own process.
 */
package graft.cli.map;
