/**
 * What a session puts into one target: environment, placement of maps, compiled programs, thunks, and the plan of its
 * sites, assembled into one {@link graft.attach.Injection}. Open {@code TargetImage} first. Reads the target, never
 * writes to it; objects here are confined to one thread.
 */
package graft.daemon.image;
