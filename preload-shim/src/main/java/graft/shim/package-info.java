/** The agent image and the preload library as resources. Open {@link graft.shim.ShimResource} first. */
package graft.shim;
