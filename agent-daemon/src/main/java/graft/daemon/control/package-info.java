/**
 * How other commands of the user look at a running session and change its maps. Open {@link graft.daemon.control.SessionServer}
 * first: it answers in the session's process, on threads of its own, so whoever asks may be killed at any moment; and
 * {@link graft.daemon.control.RemoteSession}, the other side. A session that answers is alive: nothing else is
 * believed. Nothing here may hold a target or its probes up.
 */
package graft.daemon.control;
