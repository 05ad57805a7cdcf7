/*
 * The x86-64 registers that a uprobe program sees, with the kernel's field names. Kept here so that no kernel headers
 * beyond the uapi ones are needed.
 */
#ifndef GRAFT_REGISTERS_H
#define GRAFT_REGISTERS_H

#include <linux/types.h>

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx;
	unsigned long r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
};

#define ARGUMENT1(ctx) ((ctx)->di)
#define ARGUMENT2(ctx) ((ctx)->si)
#define ARGUMENT3(ctx) ((ctx)->dx)
#define ARGUMENT4(ctx) ((ctx)->cx)
#define RESULT(ctx) ((ctx)->ax)

#endif
