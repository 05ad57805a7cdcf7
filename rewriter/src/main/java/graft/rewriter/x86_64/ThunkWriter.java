package graft.rewriter.x86_64;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.X64Assembler;
import graft.rewriter.Code;
import java.util.EnumSet;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Writes the thunk of one program and probe kind: save what the program changes, build what it reads, call it, restore.
 *
 * <p>Frame, from rsp up ({@code F} bytes; the stub's return address follows):
 *
 * <pre>
 *   0    attach cookie        context − 16
 *   8    function ip          context − 8
 *   16   context              struct pt_regs, or a tracepoint record
 *   ...  saved registers      the context itself where it is pt_regs: programs cannot write it
 *   F-8  flags
 * </pre>
 *
 * <p>The program is entered with the alignment that the ABI asks for whenever the probed function was; nothing it runs
 * uses vector registers, so a function with an unaligned stack is no danger.
 */
public final class ThunkWriter {
    /** No thunk is longer. */
    public static final int MAX_LENGTH = 512;

    private static final int COOKIE_OFFSET = 0;
    private static final int IP_OFFSET = 8;
    private static final int CONTEXT_OFFSET = 16;
    private static final int RECORD_SIZE = 64;
    /** From the address that a call from a stub returns to: the call itself, the cookie, the ip. */
    private static final int IP_FROM_RETURN = -StubWriter.CALL_LENGTH - StubWriter.RECORD_LENGTH;

    private static final int COOKIE_FROM_RETURN = IP_FROM_RETURN + 8;

    private final ProgramEntry program;
    private final ProbeKind kind;
    private final RemoteAddress state;
    private final OptionalInt onlySyscall;
    private final X64Assembler asm;
    private final int saveOffset;
    private final int frame;
    private final FlagsUse flags;
    private final Set<Gpr> saved;

    private ThunkWriter(
            ProgramEntry program, ProbeKind kind, RemoteAddress state, OptionalInt onlySyscall, X64Assembler asm) {
        this.program = program;
        this.kind = kind;
        this.state = state;
        this.onlySyscall = onlySyscall;
        this.asm = asm;
        this.saveOffset = kind.seesRegisters() ? CONTEXT_OFFSET : CONTEXT_OFFSET + RECORD_SIZE;
        this.frame = saveOffset + PtRegs.SIZE + 8;
        this.flags = kind.interruptsFunction() || readsFlags() ? FlagsUse.PRESERVED : FlagsUse.DEAD;
        this.saved = savedRegisters();
    }

    private enum FlagsUse {
        PRESERVED,
        DEAD
    }

    /**
     * The thunk's code.
     *
     * @param address where it will be
     * @param state the {@code active} word of the target's runtime region
     */
    public static Code write(RemoteAddress address, ProgramEntry program, ProbeKind kind, RemoteAddress state) {
        return write(address, program, kind, state, OptionalInt.empty());
    }

    /**
     * The code of a thunk that runs its program for one system call only, for sites whose number is not constant.
     *
     * @param onlySyscall the number; meaningful for {@link ProbeKind#SYSCALL_ENTER}
     */
    public static Code write(
            RemoteAddress address, ProgramEntry program, ProbeKind kind, RemoteAddress state, OptionalInt onlySyscall) {
        X64Assembler asm = new X64Assembler(address.value());
        new ThunkWriter(program, kind, state, onlySyscall, asm).write();
        return Code.of(asm.finish());
    }

    private Set<Gpr> savedRegisters() {
        Set<Gpr> registers = EnumSet.noneOf(Gpr.class);
        registers.addAll(program.clobbers());
        if (program.takesContext()) {
            registers.add(Gpr.RDI);
        }
        if (flags == FlagsUse.PRESERVED || computesFields()) {
            registers.add(Gpr.RAX);
        }
        return registers;
    }

    /** Whether some value must pass through rax on its way into the frame. */
    private boolean computesFields() {
        return program.takesContext()
                && (!program.inputs().isEmpty()
                        || !kind.seesRegisters()
                        || program.reads(PtRegs.RIP)
                        || program.reads(PtRegs.RSP));
    }

    private void write() {
        Label skip = new Label("skip");
        if (flags == FlagsUse.PRESERVED) {
            asm.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, -frame));
            saveFlags();
            branchUnlessWanted(skip);
        } else {
            branchUnlessWanted(skip);
            asm.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, -frame));
        }
        saveRegisters();
        buildContext();
        if (program.takesContext()) {
            asm.lea(OpSize.Q, Gpr.RDI, Address.at(Gpr.RSP, CONTEXT_OFFSET));
        }
        asm.call(program.address());
        restoreRegisters();
        if (flags == FlagsUse.PRESERVED) {
            asm.bind(skip);
            restoreFlags();
            asm.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, frame));
        } else {
            asm.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, frame));
            asm.bind(skip);
        }
        asm.plain(Plain.RET);
    }

    private void branchUnlessWanted(Label skip) {
        asm.op(Arith.CMP, OpSize.D, Address.absolute(state.value()), 0);
        asm.jcc(Cond.E, skip);
        if (onlySyscall.isPresent()) {
            // At this point rax holds the flags; the number is in its save slot.
            asm.op(Arith.CMP, OpSize.D, slot(Gpr.RAX), onlySyscall.getAsInt());
            asm.jcc(Cond.NE, skip);
        }
    }

    private boolean readsFlags() {
        return kind.seesRegisters() && program.takesContext() && program.reads(PtRegs.EFLAGS);
    }

    /** lahf and seto, 1.4 ns, in place of pushfq and popfq, 7.5 ns; nothing here touches DF and the system flags. */
    private void saveFlags() {
        if (readsFlags()) {
            // Below rsp for a moment: a signal handler's frame leaves 128 bytes there alone.
            asm.plain(Plain.PUSHFQ);
            asm.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, 8));
        }
        asm.mov(OpSize.Q, slot(Gpr.RAX), Gpr.RAX);
        asm.plain(Plain.LAHF);
        asm.setcc(Cond.O, Gpr.RAX);
        asm.mov(OpSize.Q, flagsSlot(), Gpr.RAX);
        if (readsFlags()) {
            asm.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, -8));
            asm.mov(OpSize.Q, field(PtRegs.EFLAGS), Gpr.RAX);
        }
    }

    private void restoreFlags() {
        asm.mov(OpSize.Q, Gpr.RAX, flagsSlot());
        // 1 + 0x7f overflows a byte, 0 + 0x7f does not: OF is back; sahf brings the others.
        asm.op(Arith.ADD, OpSize.B, Gpr.RAX, 0x7f);
        asm.plain(Plain.SAHF);
        asm.mov(OpSize.Q, Gpr.RAX, slot(Gpr.RAX));
    }

    private void saveRegisters() {
        for (Gpr register : PtRegs.order()) {
            boolean already = register == Gpr.RAX && flags == FlagsUse.PRESERVED;
            boolean read = kind.seesRegisters() && program.reads(PtRegs.offset(register) / 8);
            if (!already && (saved.contains(register) || read)) {
                asm.mov(OpSize.Q, slot(register), register);
            }
        }
    }

    private void restoreRegisters() {
        for (Gpr register : PtRegs.order()) {
            boolean later = register == Gpr.RAX && flags == FlagsUse.PRESERVED;
            if (!later && saved.contains(register)) {
                asm.mov(OpSize.Q, register, slot(register));
            }
        }
    }

    private void buildContext() {
        if (!program.takesContext()) {
            return;
        }
        if (kind.seesRegisters()) {
            buildRegisters();
        } else {
            buildRecord();
        }
        if (program.inputs().contains(ProgramEntry.Input.FUNCTION_IP)) {
            fromRecord(IP_FROM_RETURN, IP_OFFSET);
        }
        if (program.inputs().contains(ProgramEntry.Input.COOKIE)) {
            fromRecord(COOKIE_FROM_RETURN, COOKIE_OFFSET);
        }
    }

    private void buildRegisters() {
        constant(PtRegs.ORIG_RAX, -1);
        constant(PtRegs.CS, PtRegs.USER_CS);
        constant(PtRegs.SS, PtRegs.USER_SS);
        if (program.reads(PtRegs.RIP)) {
            if (kind == ProbeKind.RETURN) {
                asm.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, frame + 8));
                asm.mov(OpSize.Q, field(PtRegs.RIP), Gpr.RAX);
            } else {
                fromRecord(IP_FROM_RETURN, CONTEXT_OFFSET + 8 * PtRegs.RIP);
            }
        }
        if (program.reads(PtRegs.RSP)) {
            asm.lea(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, frame + stackAboveThunk()));
            asm.mov(OpSize.Q, field(PtRegs.RSP), Gpr.RAX);
        }
    }

    /** Bytes from the stub's return address to the value of rsp that the program shall see. */
    private int stackAboveThunk() {
        return switch (kind) {
            case ENTRY -> 8;
            case RETURN -> 16;
            case OFFSET, SYSCALL_ENTER, SYSCALL_EXIT -> 8 + StubWriter.RED_ZONE;
        };
    }

    private void constant(int field, int value) {
        if (program.reads(field)) {
            asm.mov(OpSize.Q, field(field), value);
        }
    }

    private void buildRecord() {
        if (kind == ProbeKind.SYSCALL_ENTER) {
            asm.mov(OpSize.D, Gpr.RAX, slot(Gpr.RAX));
            asm.mov(OpSize.Q, field(1), Gpr.RAX);
            Gpr[] arguments = {Gpr.RDI, Gpr.RSI, Gpr.RDX, Gpr.R10, Gpr.R8, Gpr.R9};
            for (int i = 0; i < arguments.length; i++) {
                if (program.reads(2 + i)) {
                    asm.mov(OpSize.Q, field(2 + i), arguments[i]);
                }
            }
        } else {
            fromRecord(IP_FROM_RETURN, CONTEXT_OFFSET + 8);
            asm.mov(OpSize.Q, Gpr.RAX, slot(Gpr.RAX));
            asm.mov(OpSize.Q, field(2), Gpr.RAX);
        }
        asm.mov(OpSize.Q, field(0), 0);
    }

    private void fromRecord(int fromReturn, int frameOffset) {
        asm.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, frame));
        asm.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RAX, fromReturn));
        asm.mov(OpSize.Q, Address.at(Gpr.RSP, frameOffset), Gpr.RAX);
    }

    private Address slot(Gpr register) {
        return Address.at(Gpr.RSP, saveOffset + PtRegs.offset(register));
    }

    private Address field(int field) {
        return Address.at(Gpr.RSP, CONTEXT_OFFSET + 8 * field);
    }

    private Address flagsSlot() {
        return Address.at(Gpr.RSP, frame - 8);
    }
}
