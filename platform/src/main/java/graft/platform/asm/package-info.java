/**
 * What every machine-code writer needs and no instruction set: {@link graft.platform.asm.CodeBuffer} holds the bytes and
 * the address they will run at, {@link graft.platform.asm.Label} knows the places that wait for it. Pure: no native
 * calls, no threads. Instruction sets live in sub-packages named after the machine.
 */
package graft.platform.asm;
