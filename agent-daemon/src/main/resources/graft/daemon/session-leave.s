; Around a session program at the return of a function; the places are those of session-enter.s.
; The call's key holds the address of its return address, which the stack pointer has just left.
  r6 = r1
  call bpf_get_current_pid_tgid
  *(u64 *)(r10 -8) = r0
  r0 >>= 32
  r0 <<= 32
  r0 |= PROGRAM
  *(u64 *)(r10 -48) = r0
  r0 = *(u64 *)(r6 +152)
  r0 += -8
  *(u64 *)(r10 -40) = r0
  r1 = r6
  call bpf_get_func_ip
  *(u64 *)(r10 -32) = r0
  r1 = map[.session_calls]
  r2 = r10
  r2 += -48
  call bpf_map_lookup_elem
  if r0 == 0 goto unseen
  r0 = *(u64 *)(r0 +0)
  *(u64 *)(r10 -16) = r0
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
  if r8 == 0 goto forget
  r1 = map[.session_cookies]
  r2 = r10
  r2 += -8
  r3 = r10
  r3 += -24
  r4 = 0
  call bpf_map_update_elem
  goto done
forget:
  r1 = map[.session_cookies]
  r2 = r10
  r2 += -8
  call bpf_map_delete_elem
done:
  r1 = map[.session_calls]
  r2 = r10
  r2 += -48
  call bpf_map_delete_elem
unseen:
  r0 = 0
  exit
body:
