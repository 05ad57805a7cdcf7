/*
 * Plaintext of OpenSSL connections. The arguments are kept at entry, the data is copied at return, for writes too: only
 * the return value says what was really sent, and the caller's buffer may not change before.
 *
 * Every reservation has a constant size (the verifier wants that), so there are five size classes; a call that moves
 * more than the largest is cut and says so (length > captured).
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "registers.h"
#include "tls.h"

struct call {
	__u64 ssl;
	__u64 buffer; /* 0: none under way */
	__u64 moved; /* address of the size_t result of the _ex functions, else 0 */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 * 1024 * 1024);
} events SEC(".maps");

/* One of each direction, because a callback inside SSL_read may write to another connection. */
struct calls {
	struct call of[2];
};

/*
 * Calls under way, by thread. An element stays while its thread moves data and goes when a read brings none: that is how
 * a connection ends, and a thread with it, and otherwise it is once a request and not at every call.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct calls);
} threads SEC(".maps");

/* Calls whose data was not delivered, by cause; the command adds them to the footer. */
__u64 lost_ring_full;
__u64 lost_no_slot;

#define EMIT(capacity)                                                                                       \
	static __always_inline void emit_##capacity(struct call *call, __u32 direction, __u32 length)          \
	{                                                                                                    \
		struct {                                                                                     \
			struct tls_event head;                                                               \
			__u8 data[capacity];                                                                 \
		} *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);                                  \
		if (!event) {                                                                                \
			__sync_fetch_and_add(&lost_ring_full, 1);                                            \
			return;                                                                              \
		}                                                                                            \
		__u64 id = bpf_get_current_pid_tgid();                                                       \
		event->head.type = TLS_DATA;                                                                 \
		event->head.direction = direction;                                                           \
		event->head.pid = id >> 32;                                                                  \
		event->head.tid = (__u32)id;                                                                 \
		event->head.time_ns = bpf_ktime_get_ns();                                                    \
		event->head.ssl = call->ssl;                                                                 \
		event->head.length = length;                                                                 \
		__u32 captured = length;                                                                     \
		/* The compiler knows the bound from the caller; the verifier has to see it here. */         \
		asm volatile("" : "+r"(captured));                                                           \
		if (captured > capacity)                                                                     \
			captured = capacity;                                                                 \
		if (bpf_probe_read_user(event->data, captured, (void *)call->buffer))                        \
			captured = 0;                                                                        \
		event->head.captured = captured;                                                             \
		bpf_ringbuf_submit(event, 0);                                                                \
	}

EMIT(128)
EMIT(512)
EMIT(1536)
EMIT(4096)
EMIT(16384)

static __always_inline void begin(__u32 direction, struct pt_regs *ctx, __u64 moved)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct calls *calls = bpf_map_lookup_elem(&threads, &id);
	if (!calls) {
		struct calls none = {};
		if (bpf_map_update_elem(&threads, &id, &none, BPF_ANY))
			__sync_fetch_and_add(&lost_no_slot, 1);
		calls = bpf_map_lookup_elem(&threads, &id);
		if (!calls)
			return;
	}
	calls->of[direction].ssl = ARGUMENT1(ctx);
	calls->of[direction].buffer = ARGUMENT2(ctx);
	calls->of[direction].moved = moved;
}

/* The bytes that the finished call moved; 0 for errors, shutdown and "try again". */
static __always_inline __u32 moved_bytes(struct call *call, struct pt_regs *ctx)
{
	int result = (int)RESULT(ctx);
	__u64 moved = 0;

	if (result <= 0)
		return 0;
	if (!call->moved)
		return result;
	if (bpf_probe_read_user(&moved, sizeof(moved), (void *)call->moved))
		return 0;
	return moved > 0x7fffffff ? 0x7fffffff : (__u32)moved;
}

static __always_inline void finish(__u32 direction, struct pt_regs *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct calls *calls = bpf_map_lookup_elem(&threads, &id);
	if (!calls || !calls->of[direction].buffer)
		return; /* attached in the middle of the call */

	struct call call = calls->of[direction];
	__u32 length = moved_bytes(&call, ctx);
	calls->of[direction].buffer = 0;
	if (direction == TLS_READ && !length && !calls->of[TLS_WRITE].buffer)
		bpf_map_delete_elem(&threads, &id);
	if (length > 4096)
		emit_16384(&call, direction, length);
	else if (length > 1536)
		emit_4096(&call, direction, length);
	else if (length > 512)
		emit_1536(&call, direction, length);
	else if (length > 128)
		emit_512(&call, direction, length);
	else if (length > 0)
		emit_128(&call, direction, length);
}

SEC("uprobe/libssl.so.3:SSL_read")
int read_enter(struct pt_regs *ctx)
{
	begin(TLS_READ, ctx, 0);
	return 0;
}

SEC("uretprobe/libssl.so.3:SSL_read")
int read_exit(struct pt_regs *ctx)
{
	finish(TLS_READ, ctx);
	return 0;
}

SEC("uprobe/libssl.so.3:SSL_write")
int write_enter(struct pt_regs *ctx)
{
	begin(TLS_WRITE, ctx, 0);
	return 0;
}

SEC("uretprobe/libssl.so.3:SSL_write")
int write_exit(struct pt_regs *ctx)
{
	finish(TLS_WRITE, ctx);
	return 0;
}

SEC("uprobe/libssl.so.3:SSL_read_ex")
int read_ex_enter(struct pt_regs *ctx)
{
	begin(TLS_READ, ctx, ARGUMENT4(ctx));
	return 0;
}

SEC("uretprobe/libssl.so.3:SSL_read_ex")
int read_ex_exit(struct pt_regs *ctx)
{
	finish(TLS_READ, ctx);
	return 0;
}

SEC("uprobe/libssl.so.3:SSL_write_ex")
int write_ex_enter(struct pt_regs *ctx)
{
	begin(TLS_WRITE, ctx, ARGUMENT4(ctx));
	return 0;
}

SEC("uretprobe/libssl.so.3:SSL_write_ex")
int write_ex_exit(struct pt_regs *ctx)
{
	finish(TLS_WRITE, ctx);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
