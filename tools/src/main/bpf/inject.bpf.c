/* System calls of processes, some of which are tampered with: both programs in one object, so that they share a session. */
#include "syscalls.bpf.c"

#define LICENSE RULES_LICENSE
#include "policy.bpf.c"
