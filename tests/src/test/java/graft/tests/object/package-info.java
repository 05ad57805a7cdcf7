/** Object files as clang makes them, through loader, verifier and compiler. Open {@code RealObjectsTest} first. */
package graft.tests.object;
