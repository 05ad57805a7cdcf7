/**
 * What users are told when something is refused or fails: {@link graft.cli.error.Catalogue} holds every code with its
 * cause and remedy (read from {@code errors.catalogue}), {@link graft.cli.error.Problem} is one occurrence. Pure values;
 * depends on nothing of graft but {@code graft.cli.output}.
 */
package graft.cli.error;
