; At the function that the dynamic loader calls for debuggers, after it has mapped or unmapped a library and before it runs
; anything of it. Rings, then waits for the answer, about a second at most: the daemon attaches meanwhile. It waits by
; looking, and never at a clock: threads in the vDSO hold up the end of other pools.
; .loader[0]: how often it rang; .loader[0]+8: up to which of them the daemon has looked
  r1 = map[.loader][0]+0
  r6 = 1
  r6 = atomic_fetch_add((u64 *)(r1 +0), r6)
  r6 += 1
  r7 = 20
more:
  r1 = r6
  call is_answered
  if r0 != 0 goto done
  r7 += -1
  if r7 != 0 goto more
done:
  r0 = 0
  exit
; looks eight million times, each time as slowly as an atomic operation is: about 50 ms
is_answered:
  r0 = 0
look:
  may_goto none
  r2 = map[.loader][0]+0
  r3 = 0
  r3 = atomic_fetch_add((u64 *)(r2 +8), r3)
  if r3 < r1 goto look
  r0 = 1
none:
  exit
