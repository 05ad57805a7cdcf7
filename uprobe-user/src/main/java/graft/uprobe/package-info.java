/** From a probe's name to sites in a target. */
package graft.uprobe;
