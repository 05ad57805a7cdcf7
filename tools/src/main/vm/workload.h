/*
 * One body of work, built twice from the same source: as a BPF program for graft and the kernel, and as a native
 * function by gcc -O2. Both work on a state of the same layout, so that their memory can be compared afterwards.
 */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#define MEMORY_BYTES 8192

#ifdef NATIVE
#include <linux/types.h>
#else
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#endif

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

struct state {
	u8 memory[MEMORY_BYTES];
	u64 result;
};

/* BPF has no vector registers, and unrolled copies cost the verifier time; gcc -O2 unrolls nothing by itself. */
#ifdef __clang__
#define ROLLED _Pragma("clang loop unroll(disable) vectorize(disable) interleave(disable)")
#else
#define ROLLED
#endif

/*
 * Where sums start: 0, but a verifier does not know it. One that follows every value would otherwise see a new state in
 * each round of a loop on each side of every branch, and never end.
 */
#define START(memory) (*(const u64 *)((memory) + 6136))

/* A value that the compiler knows nothing about. */
#define HIDDEN(x) __asm__ volatile("" : "+r"(x))

#define SUBPROGRAM static __attribute__((noinline))

#ifdef NATIVE
#define WORKLOAD(name)                                                                                                 \
	struct state state_##name __attribute__((aligned(64)));                                                        \
	int native_##name(void *context)                                                                                \
	{                                                                                                              \
		(void)context;                                                                                         \
		state_##name.result = work(state_##name.memory);                                                       \
		return 0;                                                                                              \
	}
#else
#define WORKLOAD(name)                                                                                                 \
	struct state state;                                                                                            \
	SEC("uprobe") int name(void *context)                                                                          \
	{                                                                                                              \
		(void)context;                                                                                         \
		state.result = work(state.memory);                                                                     \
		return 0;                                                                                              \
	}                                                                                                              \
	char LICENSE[] SEC("license") = "Dual MIT/GPL";
#endif

#endif
