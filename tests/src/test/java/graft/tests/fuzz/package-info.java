/**
 * Hostile input: one fuzz target for each parser of bytes that graft does not control. A finding is anything but a value
 * or the documented exception with a message. Jazzer drives the targets for long runs ({@code graft fuzz}); the ordinary
 * tests run seeds, mutations of them, and every input that once failed (files below {@code tests/src/test/fuzz}).
 */
package graft.tests.fuzz;
