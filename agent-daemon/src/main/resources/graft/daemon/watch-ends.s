; Before exit: the thread has no value any more.
  r1 = map[STORAGE]
  call bpf_forget_task
  r0 = 0
  exit
