; Behind mmap, with the registers of the call: goes on only when a file was mapped as code.
  r6 = *(u64 *)(r1 +8)
  if r6 > -4096 goto done
  r3 = *(u64 *)(r1 +0)
  r1 = r10
  r1 += -168
  r2 = 168
  call bpf_probe_read_kernel
  if r0 != 0 goto done
  r2 = *(u64 *)(r10 -72)
  r2 &= 4
  if r2 == 0 goto done
  r2 = *(u64 *)(r10 -112)
  r2 &= 32
  if r2 != 0 goto done
