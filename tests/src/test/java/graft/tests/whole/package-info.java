/**
 * A probe on every function of real programs and their libraries, and on ten thousand functions of one program: what they
 * do is the same, and afterwards they are.
 */
package graft.tests.whole;
