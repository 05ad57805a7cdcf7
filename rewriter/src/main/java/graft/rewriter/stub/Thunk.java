package graft.rewriter.stub;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.Locked;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.RegMem;
import graft.platform.asm.x86_64.Shift;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.layout.PoolConstants;
import graft.rewriter.Code;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;
import java.util.OptionalInt;

/**
 * One thunk being written.
 *
 * <pre>
 *  frame, from rsp up:  0 saved flags | 8 cookie | 16 function ip | 24 context (15 or 21 words of pt_regs)
 *           or, for system calls:                                 | 24 record (8 words) | 88 saved registers (15)
 *  above it: the return address into the stub, which leads to the site record
 * </pre>
 *
 * In {@code pt_regs} a saved register's place is its field of the context, which programs cannot write.
 */
final class Thunk {
    private static final int COOKIE = 8;
    private static final int FUNCTION_IP = 16;
    private static final int CONTEXT = 24;
    private static final int WHOLE_FRAME = CONTEXT + 21 * 8;
    /** Without the fields behind the general registers, which few programs read: stacks may be short. */
    private static final int SHORT_FRAME = CONTEXT + 15 * 8;

    private static final int RECORD_BYTES = 64;
    private static final int RECORD_FRAME = CONTEXT + RECORD_BYTES + 15 * 8;
    private static final int ORIG_RAX = 15;
    private static final int RIP = 16;
    private static final int CS = 17;
    private static final int EFLAGS = 18;
    private static final int RSP = 19;
    private static final int SS = 20;

    /** The search begins in the lower half, so that it sees at least as many stacks. */
    private static final int FIRST_STACKS_MASK = PoolConstants.STACK_BYTES * (PoolConstants.STACKS / 2 - 1);

    /** Registers in the order of {@code struct pt_regs}. */
    private static final List<Gpr> FIELDS = List.of(
            Gpr.R15, Gpr.R14, Gpr.R13, Gpr.R12, Gpr.RBP, Gpr.RBX, Gpr.R11, Gpr.R10, Gpr.R9, Gpr.R8, Gpr.RAX, Gpr.RCX,
            Gpr.RDX, Gpr.RSI, Gpr.RDI);

    private static final List<Gpr> SYSCALL_ARGUMENTS = List.of(Gpr.RDI, Gpr.RSI, Gpr.RDX, Gpr.R10, Gpr.R8, Gpr.R9);

    /** Registers that a C function keeps, in the order of choice for the unaligned stack pointer. */
    private static final List<Gpr> KEPT = List.of(Gpr.RBX, Gpr.R12, Gpr.R13, Gpr.R14, Gpr.R15);

    private final RuntimeRegion runtime;
    private final X64Assembler out;
    private final ProbeKind kind;
    private final ProgramEntry program;
    private final BitSet fields;
    private final EnumSet<Gpr> saved;
    private final StackUse stack;
    private final Gpr stackKeeper;

    Thunk(RuntimeRegion runtime, RemoteAddress address, ProbeKind kind, ProgramEntry program, StackUse stack) {
        this.runtime = runtime;
        this.out = new X64Assembler(address.value());
        this.kind = kind;
        this.program = program;
        this.stack = stack;
        this.fields = program.contextFields();
        this.stackKeeper = KEPT.stream()
                .filter(register -> !program.clobbered().contains(register))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("the program keeps none of " + KEPT));
        this.saved = saved();
    }

    private EnumSet<Gpr> saved() {
        EnumSet<Gpr> registers = EnumSet.of(Gpr.RAX);
        registers.addAll(program.clobbered());
        if (passesContext()) {
            registers.add(Gpr.RDI);
        }
        if (kind.interruptsAnything()) {
            registers.add(stackKeeper);
        }
        if (stack == StackUse.POOL) {
            registers.addAll(List.of(stackKeeper, Gpr.RCX, Gpr.RDX));
        }
        registers.remove(Gpr.RSP);
        return registers;
    }

    Code write(OptionalInt onlySyscall) {
        Label skip = new Label("skip");
        open(skip);
        onlySyscall.ifPresent(number -> {
            out.op(Arith.CMP, OpSize.D, place(Gpr.RAX), number);
            out.jcc(Cond.NE, skip);
        });
        storeRegisters();
        storeFunctionIp();
        storeCookie();
        switch (kind.context()) {
            case REGISTERS -> storeSpecialRegisters();
            case SYSCALL_RECORD -> storeRecord();
        }
        if (passesContext()) {
            out.lea(OpSize.Q, Gpr.RDI, Address.at(Gpr.RSP, CONTEXT));
        }
        call();
        for (Gpr register : saved) {
            if (register != Gpr.RAX) {
                out.mov(OpSize.Q, register, place(register));
            }
        }
        close(skip);
        return Code.of(out.finish());
    }

    private boolean passesContext() {
        return !fields.isEmpty() || !program.uses().isEmpty();
    }

    private boolean readsRegisterField(int field) {
        return kind.context() == ProbeKind.Context.REGISTERS && fields.get(field);
    }

    /** Whether something has to happen before the test of the state page, which changes the flags. */
    private boolean flagsFirst() {
        return kind.keepsFlags() || readsRegisterField(EFLAGS);
    }

    private int frameBytes() {
        return switch (kind.context()) {
            case REGISTERS -> fields.length() > FIELDS.size() ? WHOLE_FRAME : SHORT_FRAME;
            case SYSCALL_RECORD -> RECORD_FRAME;
        };
    }

    private static Address field(int index) {
        return Address.at(Gpr.RSP, CONTEXT + 8 * index);
    }

    private Address place(Gpr register) {
        int base = switch (kind.context()) {
            case REGISTERS -> CONTEXT;
            case SYSCALL_RECORD -> CONTEXT + RECORD_BYTES;
        };
        return Address.at(Gpr.RSP, base + 8 * FIELDS.indexOf(register));
    }

    private Address returnAddress() {
        return Address.at(Gpr.RSP, frameBytes());
    }

    /** The tests of the state page and of the lifeline come before anything else that the kind allows. */
    private void open(Label skip) {
        if (flagsFirst()) {
            frame();
            if (readsRegisterField(EFLAGS)) {
                out.plain(Plain.PUSHFQ);
                out.pop(Gpr.RAX);
                out.mov(OpSize.Q, field(EFLAGS), Gpr.RAX);
            }
            if (kind.keepsFlags()) {
                // Nothing so far has changed the flags.
                out.plain(Plain.LAHF);
                out.setcc(Cond.O, Gpr.RAX);
                out.mov(OpSize.Q, Address.at(Gpr.RSP), Gpr.RAX);
            }
        }
        out.op(Arith.CMP, OpSize.D, new Address.Absolute(runtime.active().value()), 0);
        out.jcc(Cond.E, skip);
        out.op(Arith.CMP, OpSize.D, new Address.Absolute(runtime.lifeline().value()), PoolConstants.LIFELINE_CUT);
        out.jcc(Cond.AE, skip);
        if (!flagsFirst()) {
            frame();
        }
    }

    private void frame() {
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, -frameBytes()));
        out.mov(OpSize.Q, place(Gpr.RAX), Gpr.RAX);
    }

    private void storeRegisters() {
        for (int i = 0; i < FIELDS.size(); i++) {
            Gpr register = FIELDS.get(i);
            if (register != Gpr.RAX && (readsRegisterField(i) || saved.contains(register))) {
                out.mov(OpSize.Q, place(register), register);
            }
        }
    }

    /** From here on rax is scratch: it becomes a word of the site record. */
    private void loadSiteWord(int offset) {
        out.mov(OpSize.Q, Gpr.RAX, returnAddress());
        out.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RAX, offset - kind.recordDistance()));
    }

    private void storeFunctionIp() {
        boolean asked = program.uses().contains(ProgramEntry.Use.FUNCTION_IP);
        boolean isContextIp = readsRegisterField(RIP) && !kind.isReturn();
        if (!asked && !isContextIp) {
            return;
        }
        loadSiteWord(0);
        if (asked) {
            out.mov(OpSize.Q, Address.at(Gpr.RSP, FUNCTION_IP), Gpr.RAX);
        }
        if (isContextIp) {
            out.mov(OpSize.Q, field(RIP), Gpr.RAX);
        }
    }

    private void storeCookie() {
        if (program.uses().contains(ProgramEntry.Use.COOKIE)) {
            loadSiteWord(8);
            out.mov(OpSize.Q, Address.at(Gpr.RSP, COOKIE), Gpr.RAX);
        }
    }

    private void storeSpecialRegisters() {
        if (fields.get(RIP) && kind.isReturn()) {
            out.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, frameBytes() + 8));
            out.mov(OpSize.Q, field(RIP), Gpr.RAX);
        }
        if (fields.get(RSP)) {
            out.lea(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, frameBytes() + kind.stackDistance()));
            out.mov(OpSize.Q, field(RSP), Gpr.RAX);
        }
        if (fields.get(ORIG_RAX)) {
            out.mov(OpSize.Q, field(ORIG_RAX), -1);
        }
        if (fields.get(CS)) {
            out.mov(OpSize.Q, field(CS), 0x33);
        }
        if (fields.get(SS)) {
            out.mov(OpSize.Q, field(SS), 0x2b);
        }
    }

    private void storeRecord() {
        if (fields.get(0)) {
            out.mov(OpSize.Q, field(0), 0);
        }
        if (kind == ProbeKind.SYSCALL_ENTER) {
            storeSyscallEnter();
        } else {
            storeSyscallExit();
        }
    }

    private void storeSyscallEnter() {
        if (fields.get(1)) {
            out.mov(OpSize.D, Gpr.RAX, place(Gpr.RAX));
            out.mov(OpSize.Q, field(1), Gpr.RAX);
        }
        for (int i = 0; i < SYSCALL_ARGUMENTS.size(); i++) {
            if (fields.get(2 + i)) {
                out.mov(OpSize.Q, field(2 + i), SYSCALL_ARGUMENTS.get(i));
            }
        }
    }

    private void storeSyscallExit() {
        if (fields.get(1)) {
            loadSiteWord(0);
            out.mov(OpSize.Q, field(1), Gpr.RAX);
        }
        if (fields.get(2)) {
            out.mov(OpSize.Q, Gpr.RAX, place(Gpr.RAX));
            out.mov(OpSize.Q, field(2), Gpr.RAX);
        }
    }

    private void call() {
        if (stack == StackUse.POOL) {
            callOnPoolStack();
        } else if (kind.interruptsAnything()) {
            out.mov(OpSize.Q, (RegMem) stackKeeper, Gpr.RSP);
            out.op(Arith.AND, OpSize.Q, Gpr.RSP, -16);
            out.call(program.address().value());
            out.mov(OpSize.Q, (RegMem) Gpr.RSP, stackKeeper);
        } else {
            out.call(program.address().value());
        }
    }

    /** The first free stack from one on that depends on the thread's own, so that threads seldom meet. */
    private void callOnPoolStack() {
        Label next = new Label("next");
        Label claimed = new Label("claimed");
        Label done = new Label("done");
        out.mov(OpSize.Q, (RegMem) Gpr.RAX, Gpr.RSP);
        out.op(Shift.SHR, OpSize.Q, Gpr.RAX, 1);
        out.op(Arith.AND, OpSize.D, Gpr.RAX, FIRST_STACKS_MASK);
        out.lea(OpSize.Q, Gpr.RDX, new Address.Absolute(runtime.stacks().value()));
        out.op(Arith.ADD, OpSize.Q, Gpr.RDX, Gpr.RAX);
        out.lea(OpSize.Q, Gpr.RAX, new Address.Absolute(runtime.stacksEnd().value()));
        out.bind(next);
        out.mov(OpSize.D, Gpr.RCX, 1);
        out.locked(Locked.XCHG, OpSize.D, Address.at(Gpr.RDX), Gpr.RCX);
        out.test(OpSize.D, Gpr.RCX, Gpr.RCX);
        out.jcc(Cond.E, claimed);
        out.op(Arith.ADD, OpSize.Q, Gpr.RDX, PoolConstants.STACK_BYTES);
        out.op(Arith.CMP, OpSize.Q, Gpr.RDX, Gpr.RAX);
        out.jcc(Cond.B, next);
        out.mov(OpSize.D, Gpr.RAX, 1);
        out.locked(
                Locked.ADD, OpSize.Q, new Address.Absolute(runtime.missedRuns().value()), Gpr.RAX);
        out.jmp(done);
        out.bind(claimed);
        out.mov(OpSize.Q, (RegMem) stackKeeper, Gpr.RSP);
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RDX, PoolConstants.STACK_BYTES));
        out.call(program.address().value());
        out.mov(OpSize.D, Address.at(Gpr.RSP, -PoolConstants.STACK_BYTES), 0);
        out.mov(OpSize.Q, (RegMem) Gpr.RSP, stackKeeper);
        out.bind(done);
    }

    private void close(Label skip) {
        if (flagsFirst()) {
            out.bind(skip);
        }
        if (kind.keepsFlags()) {
            out.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP));
            out.op(Arith.ADD, OpSize.B, Gpr.RAX, 0x7f);
            out.plain(Plain.SAHF);
        }
        out.mov(OpSize.Q, Gpr.RAX, place(Gpr.RAX));
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, frameBytes()));
        if (!flagsFirst()) {
            out.bind(skip);
        }
        out.plain(Plain.RET);
    }
}
