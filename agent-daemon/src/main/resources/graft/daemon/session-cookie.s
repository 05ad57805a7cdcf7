; bpf_session_cookie: the cookie of the call that this thread is in, never null.
  call bpf_get_current_pid_tgid
  *(u64 *)(r10 -8) = r0
  r1 = map[.session_cookies]
  r2 = r10
  r2 += -8
  call bpf_map_lookup_elem
  if r0 != 0 goto found
  r0 = map[.session_spare][0]+0
found:
  exit
