; Says who and that it is EVENT, rings, then waits for the answer, two seconds or three of its own time at most.
; .watch[0]: how often anybody rang; from .watch[0]+64 on 256 slots of 32 bytes, used in turn:
;   +0 the number of the ring, stored last; +8 process and thread; +16 what has happened; +24 answered up to which ring
  call bpf_get_current_pid_tgid
  r6 = r0
  r1 = map[.watch][0]+0
  r7 = 1
  r7 = atomic_fetch_add((u64 *)(r1 +0), r7)
  r8 = r7
  r8 &= 255
  r8 <<= 5
  r1 += r8
  *(u64 *)(r1 +72) = r6
  *(u64 *)(r1 +80) = EVENT
  r7 += 1
  r2 = r7
  r2 = atomic_xchg((u64 *)(r1 +64), r2)
  *(u64 *)(r10 -8) = r7
  r1 = map[.bell]
  r2 = r10
  r2 += -8
  r3 = 8
  r4 = 2
  call bpf_ringbuf_output
  r6 = 12
more:
  r1 = r8
  r2 = r7
  call is_answered
  if r0 != 0 goto done
  r6 += -1
  if r6 != 0 goto more
done:
  r0 = 0
  exit
; looks eight million times, each time as slowly as four atomic operations are: about 200 ms
is_answered:
  r0 = 0
  r1 &= 8160
look:
  may_goto none
  r3 = map[.watch][0]+0
  r3 += r1
  r0 = 0
  r0 = atomic_fetch_add((u64 *)(r3 +88), r0)
  r0 = 0
  r0 = atomic_fetch_add((u64 *)(r3 +88), r0)
  r0 = 0
  r0 = atomic_fetch_add((u64 *)(r3 +88), r0)
  r4 = 0
  r4 = atomic_fetch_add((u64 *)(r3 +88), r4)
  r0 = 0
  if r4 < r2 goto look
  r0 = 1
none:
  exit
