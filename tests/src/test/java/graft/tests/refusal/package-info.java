/** What users see when graft says no: each refusal provoked for real, its whole text and exit status, and the target unharmed. */
package graft.tests.refusal;
