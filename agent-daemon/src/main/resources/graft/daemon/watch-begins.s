; Behind clone and its kin, in the new thread: what a former one with its number had is not its own.
  r2 = *(u64 *)(r1 +16)
  if r2 != 0 goto done
  r1 = map[STORAGE]
  call bpf_forget_task
done:
  r0 = 0
  exit
