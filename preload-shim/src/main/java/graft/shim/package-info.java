/** The agent image, the preload library and the tracer as resources. Open {@link graft.shim.ShimResource} first. */
package graft.shim;
