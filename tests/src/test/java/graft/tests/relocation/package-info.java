/**
 * Instructions of real programs run where they are and where graft would move them; nothing may differ. Open
 * {@link RelocationTest} first.
 */
package graft.tests.relocation;
