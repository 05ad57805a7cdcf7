; Before prctl and seccomp: the agent makes no system call from now on, when the process may put itself under a filter.
  r2 = *(u64 *)(r1 +16)
  if r2 CONFINES goto confines
  r0 = 0
  exit
confines:
  call bpf_confine
  r0 = 0
  exit
