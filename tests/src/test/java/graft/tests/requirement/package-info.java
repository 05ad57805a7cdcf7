/**
 * The table of requirements, checked against the tests that it names and against its document. Open {@link RequirementsTest}
 * first.
 */
package graft.tests.requirement;
