# Calls each of the functions that the rest of this file has, with registers of its own, and reports what is in them then.
# Input, a byte: r calls all and reports, 27 words for each: rax rbx rcx rdx rsi rdi rbp r8 to r15, rsp as it differs, flags,
# eight words of buffer, two that are 0. t and s begin and end a timer that interrupts all of it; they answer with one byte.
# d lets the kernel deny the calls that the tests' programs deny, and answers so too.

	.set RECORD, 27 * 8

	.globl _start
	.text
	.p2align 4
	.type handle, @function
handle:
	incq signals(%rip)
	mov $104, %eax
	syscall
	ret
	.size handle, . - handle

	.p2align 4
	.type restore, @function
restore:
	mov $15, %eax
	syscall
	.size restore, . - restore

	.p2align 4
	.type _start, @function
_start:
	mov $13, %eax # rt_sigaction
	mov $10, %edi
	mov $action, %esi
	xor %edx, %edx
	mov $8, %r10d
	syscall
	mov $13, %eax
	mov $14, %edi
	mov $action, %esi
	xor %edx, %edx
	mov $8, %r10d
	syscall
next:
	xor %eax, %eax
	xor %edi, %edi
	mov $order, %esi
	mov $1, %edx
	syscall
	cmp $1, %rax
	jne end
	cmpb $'r', order
	je run
	cmpb $'t', order
	je begin
	cmpb $'s', order
	je stop
	cmpb $'d', order
	je deny
end:
	mov $231, %eax
	xor %edi, %edi
	syscall

begin:
	mov $300, %eax
	jmp timer
stop:
	xor %eax, %eax
timer:
	mov %rax, interval + 8
	mov %rax, interval + 24
	mov $38, %eax # setitimer
	xor %edi, %edi
	mov $interval, %esi
	xor %edx, %edx
	syscall
	jmp answer
deny:
	mov $157, %eax # PR_SET_NO_NEW_PRIVS
	mov $38, %edi
	mov $1, %esi
	xor %edx, %edx
	xor %r10d, %r10d
	xor %r8d, %r8d
	syscall
	mov $317, %eax # SECCOMP_SET_MODE_FILTER
	mov $1, %edi
	xor %esi, %esi
	mov $filter, %edx
	syscall
answer:
	mov $1, %edx
	mov $order, %esi
	jmp write
run:
	movq $0, position
each:
	mov position, %rax
	cmp count, %rax
	jae report
	mov functions(, %rax, 8), %rcx
	mov %rcx, function
	imul $120, %rax, %rcx
	lea registers(%rcx), %rcx
	mov %rcx, place
	mov $buffer, %edi
	xor %eax, %eax
	mov $16, %ecx
	rep stosq
	mov %rsp, stack
	mov place, %rax
	mov 8(%rax), %rbx
	mov 16(%rax), %rcx
	mov 24(%rax), %rdx
	mov 32(%rax), %rsi
	mov 40(%rax), %rdi
	mov 48(%rax), %rbp
	mov 56(%rax), %r8
	mov 64(%rax), %r9
	mov 72(%rax), %r10
	mov 80(%rax), %r11
	mov 88(%rax), %r12
	mov 96(%rax), %r13
	mov 104(%rax), %r14
	mov 112(%rax), %r15
	push (%rax)
	andl $0x8d5, (%rsp)
	popfq
	mov (%rax), %rax
	call *function
	mov %rax, record
	mov %rbx, record + 8
	mov %rcx, record + 16
	mov %rdx, record + 24
	mov %rsi, record + 32
	mov %rdi, record + 40
	mov %rbp, record + 48
	mov %r8, record + 56
	mov %r9, record + 64
	mov %r10, record + 72
	mov %r11, record + 80
	mov %r12, record + 88
	mov %r13, record + 96
	mov %r14, record + 104
	mov %r15, record + 112
	mov %rsp, record + 120
	pushfq
	pop record + 128
	mov stack, %rax
	sub %rax, record + 120
	mov %rax, %rsp
	mov $buffer, %esi
	mov $record + 136, %edi
	mov $8, %ecx
	rep movsq
	imul $RECORD, position, %rdi
	lea records(%rdi), %rdi
	mov $record, %esi
	mov $27, %ecx
	rep movsq
	incq position
	jmp each
report:
	imul $RECORD, count, %rdx
	mov $records, %esi
write:
	mov $1, %edi
	mov $1, %eax
	syscall
	cmp $-4, %rax # nothing was written
	je write
	jmp next
	.size _start, . - _start

	.data
	.p2align 3
interval: .quad 0, 0, 0, 0
action: .quad handle, 0x14000000, restore, 0 # SA_RESTART, SA_RESTORER
position: .quad 0
function: .quad 0
place: .quad 0
stack: .quad 0
signals: .quad 0
record: .fill 27, 8, 0
buffer: .fill 16, 8, 0
order: .quad 0
filter: .quad (9f - 8f) / 8, 8f
	.globl buffer
8:	.long 0x20, 0 # load the number
	.long 0x00040015, 24
	.long 0x00030015, 107
	.long 0x00020015, 3
	.long 0x00010015, 146
	.long 0x06, 0x7fff0000 # SECCOMP_RET_ALLOW
	.long 0x06, 0x0005000d # SECCOMP_RET_ERRNO, EACCES
9:
	.bss
	.p2align 3
records: .skip RECORD * 256
	.text
