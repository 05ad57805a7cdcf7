/** {@code graft run} on real programs, from the command line down. Needs root, gcc and clang. */
package graft.tests.run;
