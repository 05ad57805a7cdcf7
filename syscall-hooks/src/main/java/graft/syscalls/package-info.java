/** From a system call's name to sites in a target. */
package graft.syscalls;
