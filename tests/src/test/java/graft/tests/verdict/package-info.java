/** The verifier's verdicts next to the running kernel's, on programs that graft does not contain. {@link Comparison} first. */
package graft.tests.verdict;
