package graft.platform.asm.x86_64;

/** An operand that may be a register or memory (the r/m operand of an instruction). */
public sealed interface RegMem permits Gpr, Address {}
