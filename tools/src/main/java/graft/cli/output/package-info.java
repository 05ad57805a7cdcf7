/**
 * The shapes of output that all commands share: tables, JSON, histograms, hex dumps, the footer. Pure: values in, text
 * out to the {@link java.lang.Appendable} or list that the caller gives.
 */
package graft.cli.output;
