/**
 * Constants of the memory layouts that Java and the in-target agent share: sizes and byte offsets, nothing else. The
 * classes are generated from {@code preload-shim/layouts/*.layout}, as is the agent's C header. Open
 * {@link graft.platform.layout.PoolConstants} (the code pool and its runtime region) or
 * {@link graft.platform.layout.MapConstants} (shared maps) first.
 */
package graft.platform.layout;
