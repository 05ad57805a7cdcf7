/** Where probes can be placed in the programs and libraries of this machine. Open {@link PlacementTest} first. */
package graft.tests.placement;
