/**
 * Options that mean the same in every command, as picocli mixins: {@link graft.cli.option.HelpOptions} for all,
 * {@link graft.cli.option.OutputOptions} for those that print data, {@link graft.cli.option.TargetOptions} for those that
 * attach. Each is also the way to the command's outputs.
 */
package graft.cli.option;
