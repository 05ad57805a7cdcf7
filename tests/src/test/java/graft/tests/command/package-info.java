/** Graft command lines as tests run them: in this process, or in one of their own. */
package graft.tests.command;
