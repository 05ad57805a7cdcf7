/*
 * The records that tls.bpf.c puts into its ring buffer "events": this header, then `captured` bytes, then padding up to
 * the record's size class. Readers: graft.cli.tls.
 */
#ifndef GRAFT_TLS_H
#define GRAFT_TLS_H

#include <linux/types.h>

#define TLS_DATA 1 /* tls_event.type */

#define TLS_READ 0 /* tls_event.direction: the peer sent it */
#define TLS_WRITE 1 /* the process sent it */

struct tls_event {
	__u32 type;
	__u32 direction;
	__u32 pid;
	__u32 tid;
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u64 ssl; /* the SSL object's address: one connection */
	__u32 length; /* bytes that the call moved */
	__u32 captured; /* bytes that follow; less than length when cut or unreadable */
};

_Static_assert(sizeof(struct tls_event) == 40, "readers depend on it");

#endif
