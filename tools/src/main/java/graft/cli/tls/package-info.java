/**
 * Plaintext of TLS connections: the events of {@code tls.bpf.c} and how they are printed. Open
 * {@link graft.cli.tls.TlsEvent} first.
 */
package graft.cli.tls;
