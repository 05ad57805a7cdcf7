/**
 * Searching for differences: {@link graft.cli.fuzz.FuzzCommand} first. {@link graft.cli.fuzz.ProgramGenerator} makes
 * programs from seeds, {@link graft.cli.fuzz.VmComparison} runs each one in the interpreter, as machine code and in the
 * kernel. {@link graft.cli.fuzz.MapComparison} does the same operations on a map of graft's and on one of the kernel's.
 * Everything can be repeated from its seed.
 */
package graft.cli.fuzz;
