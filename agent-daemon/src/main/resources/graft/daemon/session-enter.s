; Around a session program at the entry of a function. PROGRAM is the program's number.
; fp-8 thread; fp-16 cookie of this call; fp-24 cookie of the call that a signal has interrupted; fp-48 key of this call
  r6 = r1
  call bpf_get_current_pid_tgid
  *(u64 *)(r10 -8) = r0
  r0 >>= 32
  r0 <<= 32
  r0 |= PROGRAM
  *(u64 *)(r10 -48) = r0
  r0 = *(u64 *)(r6 +152)
  *(u64 *)(r10 -40) = r0
  r1 = r6
  call bpf_get_func_ip
  *(u64 *)(r10 -32) = r0
  *(u64 *)(r10 -16) = 0
  *(u64 *)(r10 -24) = 0
  r8 = 0
  r1 = map[.session_cookies]
  r2 = r10
  r2 += -8
  call bpf_map_lookup_elem
  if r0 == 0 goto fresh
  r8 = 1
  r0 = *(u64 *)(r0 +0)
  *(u64 *)(r10 -24) = r0
fresh:
  r1 = map[.session_cookies]
  r2 = r10
  r2 += -8
  r3 = r10
  r3 += -16
  r4 = 0
  call bpf_map_update_elem
  r1 = r6
  call body
  r7 = r0
  r1 = map[.session_cookies]
  r2 = r10
  r2 += -8
  call bpf_map_lookup_elem
  if r0 == 0 goto back
  r0 = *(u64 *)(r0 +0)
  *(u64 *)(r10 -16) = r0
back:
  if r8 == 0 goto forget
  r1 = map[.session_cookies]
  r2 = r10
  r2 += -8
  r3 = r10
  r3 += -24
  r4 = 0
  call bpf_map_update_elem
  goto decide
forget:
  r1 = map[.session_cookies]
  r2 = r10
  r2 += -8
  call bpf_map_delete_elem
decide:
  if r7 != 0 goto declined
  r1 = map[.session_calls]
  r2 = r10
  r2 += -48
  r3 = r10
  r3 += -16
  r4 = 0
  call bpf_map_update_elem
  r0 = 0
  exit
declined:
  r1 = map[.session_calls]
  r2 = r10
  r2 += -48
  call bpf_map_delete_elem
  r0 = 0
  exit
body:
