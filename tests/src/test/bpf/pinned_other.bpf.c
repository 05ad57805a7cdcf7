/* The same map with smaller values. */
#define COUNT __u32

#include "pinned.bpf.c"
