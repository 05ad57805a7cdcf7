/**
 * A real nginx, attached to and let go: what is written is what was planned, what is taken back is all of it, and the
 * server never notices. Open {@code PlanIsInjectionTest} first. Needs root, nginx, wrk, curl and clang.
 */
package graft.tests.nginx;
