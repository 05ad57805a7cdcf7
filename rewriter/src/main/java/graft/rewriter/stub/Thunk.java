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

/** One thunk being written. {@link ThunkFrame} shows its stack. */
final class Thunk {
    private static final int DI = 14;
    private static final int ORIG_RAX = 15;
    private static final int RIP = 16;
    private static final int CS = 17;
    private static final int EFLAGS = 18;
    private static final int RSP = 19;
    private static final int SS = 20;
    private static final int ENOSYS = 38;
    /** Interrupts on, and the bit that is always set. */
    private static final int USUAL_FLAGS = 0x202;

    /** The search begins in the lower half, so that it sees at least as many stacks. */
    private static final int FIRST_STACKS_MASK = PoolConstants.STACK_BYTES * (PoolConstants.STACKS / 2 - 1);

    private static final List<Gpr> FIELDS = ThunkFrame.FIELDS;

    private static final int FIRST_ARGUMENT = 2;
    private static final List<Gpr> SYSCALL_ARGUMENTS = List.of(Gpr.RDI, Gpr.RSI, Gpr.RDX, Gpr.R10, Gpr.R8, Gpr.R9);

    /** Registers that a C function keeps, in the order of choice for the unaligned stack pointer. */
    private static final List<Gpr> KEPT = List.of(Gpr.RBX, Gpr.R12, Gpr.R13, Gpr.R14, Gpr.R15);

    private final RuntimeRegion runtime;
    private final X64Assembler out;
    private final ProbeKind kind;
    private final boolean keepsFlags;
    private final ProgramEntry program;
    private final BitSet fields;
    private final ThunkFrame frame;
    private final EnumSet<Gpr> saved;
    private final StackUse stack;
    private final Gpr stackKeeper;
    private SiteRecord record = SiteRecord.UNREAD;

    Thunk(RuntimeRegion runtime, RemoteAddress address, ThunkKind thunk, ProgramEntry program) {
        this.runtime = runtime;
        this.out = new X64Assembler(address.value());
        this.kind = thunk.probe();
        this.keepsFlags = thunk.keepsFlags();
        this.program = program;
        this.stack = thunk.stack();
        this.fields = program.contextFields();
        this.fields.or(program.written());
        this.frame = new ThunkFrame(kind, fields, program);
        this.stackKeeper = KEPT.stream()
                .filter(register -> !program.clobbered().contains(register))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("the program keeps none of " + KEPT));
        this.saved = saved();
    }

    private EnumSet<Gpr> saved() {
        EnumSet<Gpr> registers = EnumSet.of(Gpr.RAX);
        registers.addAll(program.clobbered());
        program.written().stream().mapToObj(this::written).forEach(registers::add);
        if (passesContext()) {
            registers.add(Gpr.RDI);
        }
        if (alignsStack()) {
            registers.add(stackKeeper);
        }
        if (stack == StackUse.POOL) {
            registers.addAll(List.of(stackKeeper, Gpr.RCX, Gpr.RDX));
        }
        registers.remove(Gpr.RSP);
        return registers;
    }

    /** The register that a written word of the context becomes. */
    private Gpr written(int word) {
        return switch (kind.context()) {
            case REGISTERS -> FIELDS.get(word);
            case SYSCALL_RECORD -> kind.isSyscallEnter() ? SYSCALL_ARGUMENTS.get(word - FIRST_ARGUMENT) : Gpr.RAX;
            case SYSCALL_RAW, SYSCALL_WRAPPED -> throw new IllegalArgumentException("nothing is written at " + kind);
        };
    }

    /** The C code of helpers expects an aligned stack; programs do not care. */
    private boolean alignsStack() {
        return kind.interruptsAnything() && program.uses().contains(ProgramEntry.Use.HELPERS);
    }

    private boolean mayOverride() {
        return program.uses().contains(ProgramEntry.Use.OVERRIDE);
    }

    ThunkWriter.Written write() {
        Label skip = new Label("skip");
        Label cut = new Label("cut");
        open(skip, cut);
        storeRegisters();
        storeFunctionIp();
        storeCookie();
        switch (kind.context()) {
            case REGISTERS -> storeSpecialRegisters();
            case SYSCALL_RECORD -> storeRecord();
            case SYSCALL_RAW -> storeRaw();
            case SYSCALL_WRAPPED -> storeWrapped();
        }
        if (passesContext()) {
            out.lea(OpSize.Q, Gpr.RDI, frame.at(0));
        }
        call();
        if (kind.context() == ProbeKind.Context.SYSCALL_RECORD) {
            program.written().stream().forEach(this::takeFromRecord);
        }
        for (Gpr register : saved) {
            if (register != Gpr.RAX) {
                out.mov(OpSize.Q, register, frame.place(register));
            }
        }
        close(skip);
        out.bind(cut);
        deactivate(skip);
        return new ThunkWriter.Written(Code.of(out.finish()), record);
    }

    private boolean passesContext() {
        return !fields.isEmpty() || !program.uses().isEmpty();
    }

    private boolean readsRegisterField(int field) {
        return kind.context() == ProbeKind.Context.REGISTERS && fields.get(field);
    }

    /** Whether something has to happen before the test of the state page, which changes the flags. */
    private boolean flagsFirst() {
        return keepsFlags || readsRegisterField(EFLAGS);
    }

    /** The tests of the state page and of the lifeline come before anything else that the kind allows. */
    private void open(Label skip, Label cut) {
        if (flagsFirst()) {
            openFrame();
            if (readsRegisterField(EFLAGS)) {
                out.plain(Plain.PUSHFQ);
                out.pop(Gpr.RAX);
                out.mov(OpSize.Q, frame.field(EFLAGS), Gpr.RAX);
            }
            if (keepsFlags) {
                // Nothing so far has changed the flags.
                out.plain(Plain.LAHF);
                out.setcc(Cond.O, Gpr.RAX);
                out.mov(OpSize.Q, Address.at(Gpr.RSP), Gpr.RAX);
            }
        }
        if (kind != ProbeKind.TESTED_ENTRY) {
            out.op(Arith.CMP, OpSize.D, new Address.Absolute(runtime.active().value()), 0);
            out.jcc(Cond.E, skip);
        }
        out.op(Arith.CMP, OpSize.D, new Address.Absolute(runtime.lifeline().value()), PoolConstants.LIFELINE_CUT);
        out.jcc(Cond.AE, cut);
        if (!flagsFirst()) {
            openFrame();
        }
    }

    /** Nobody reads any more: from now on the test of the state finds it, which stubs make. Changes no flags. */
    private void deactivate(Label skip) {
        out.mov(OpSize.D, new Address.Absolute(runtime.active().value()), 0);
        out.jmp(skip);
    }

    private void openFrame() {
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, -frame.bytes()));
        out.mov(OpSize.Q, frame.place(Gpr.RAX), Gpr.RAX);
        if (mayOverride()) {
            out.mov(OpSize.Q, frame.at(ThunkFrame.RUNS), 1);
        }
    }

    private void storeRegisters() {
        for (int i = 0; i < FIELDS.size(); i++) {
            Gpr register = FIELDS.get(i);
            if (register != Gpr.RAX
                    && (readsRegisterField(i)
                            || frame.showsRegisters()
                            || saved.contains(register)
                            || isNumber(register))) {
                out.mov(OpSize.Q, frame.place(register), register);
            }
        }
    }

    /** Whether a record shows it where the program could have changed it. */
    private boolean isNumber(Gpr register) {
        return kind == ProbeKind.SYSCALL_EXIT && register == Gpr.RCX && fields.get(1);
    }

    /** From here on rax is scratch: it becomes a word of the site record. */
    private void loadSiteWord(int offset) {
        record = SiteRecord.READ;
        out.mov(OpSize.Q, Gpr.RAX, frame.returnAddress());
        out.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RAX, offset - kind.recordDistance()));
    }

    private void storeFunctionIp() {
        boolean asked = program.uses().contains(ProgramEntry.Use.FUNCTION_IP);
        boolean isContextIp = readsRegisterField(RIP) && !kind.isReturn();
        boolean walks = program.uses().contains(ProgramEntry.Use.FRAME);
        if (!asked && !isContextIp && !walks) {
            return;
        }
        loadSiteWord(0);
        if (walks) {
            storeFrameBegins();
        }
        if (asked) {
            out.mov(OpSize.Q, frame.at(ThunkFrame.FUNCTION_IP), Gpr.RAX);
        }
        if (isContextIp) {
            out.mov(OpSize.Q, frame.field(RIP), Gpr.RAX);
        }
    }

    /** The bit of the site word in rax goes to its place, and rax is the address. */
    private void storeFrameBegins() {
        out.mov(OpSize.Q, frame.at(ThunkFrame.FRAME_BEGINS), 0);
        out.op(Arith.ADD, OpSize.Q, (RegMem) Gpr.RAX, Gpr.RAX);
        out.op(Arith.ADC, OpSize.B, frame.at(ThunkFrame.FRAME_BEGINS), 0);
        out.op(Shift.SHR, OpSize.Q, Gpr.RAX, 1);
    }

    private void storeCookie() {
        if (program.uses().contains(ProgramEntry.Use.COOKIE)) {
            loadSiteWord(8);
            out.mov(OpSize.Q, frame.at(ThunkFrame.COOKIE), Gpr.RAX);
        }
    }

    private void storeSpecialRegisters() {
        if (fields.get(RIP) && kind.isReturn()) {
            out.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, frame.bytes() + 8));
            out.mov(OpSize.Q, frame.field(RIP), Gpr.RAX);
        }
        if (fields.get(RSP)) {
            out.lea(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, frame.bytes() + kind.stackDistance()));
            out.mov(OpSize.Q, frame.field(RSP), Gpr.RAX);
        }
        if (fields.get(ORIG_RAX)) {
            out.mov(OpSize.Q, frame.field(ORIG_RAX), -1);
        }
        if (fields.get(CS)) {
            out.mov(OpSize.Q, frame.field(CS), 0x33);
        }
        if (fields.get(SS)) {
            out.mov(OpSize.Q, frame.field(SS), 0x2b);
        }
    }

    private void storeRecord() {
        if (fields.get(0)) {
            out.mov(OpSize.Q, frame.field(0), 0);
        }
        if (frame.showsRegisters()) {
            storeShown();
        }
        if (kind == ProbeKind.SYSCALL_ENTER) {
            storeSyscallEnter();
        } else {
            storeSyscallExit();
        }
    }

    private void storeSyscallEnter() {
        if (fields.get(1)) {
            storeNumber(1);
        }
        for (int i = 0; i < SYSCALL_ARGUMENTS.size(); i++) {
            if (fields.get(2 + i)) {
                out.mov(OpSize.Q, frame.field(2 + i), SYSCALL_ARGUMENTS.get(i));
            }
        }
    }

    private void storeSyscallExit() {
        if (fields.get(1)) {
            storeNumber(1);
        }
        if (fields.get(2)) {
            storeResult(2);
        }
    }

    private void storeNumber(int word) {
        // An int, as the kernel sees it.
        out.movsx(OpSize.D, OpSize.Q, Gpr.RAX, frame.place(frame.numberRegister()));
        out.mov(OpSize.Q, frame.field(word), Gpr.RAX);
    }

    private void storeResult(int word) {
        out.mov(OpSize.Q, Gpr.RAX, frame.place(Gpr.RAX));
        out.mov(OpSize.Q, frame.field(word), Gpr.RAX);
    }

    private void storeRaw() {
        if (frame.showsRegisters()) {
            storeShown();
            out.lea(OpSize.Q, Gpr.RAX, frame.shown(0));
            out.mov(OpSize.Q, frame.field(0), Gpr.RAX);
        }
        if (fields.get(1) && kind.isSyscallEnter()) {
            storeNumber(1);
        } else if (fields.get(1)) {
            storeResult(1);
        }
    }

    private void storeWrapped() {
        for (int i = 0; i < FIELDS.size(); i++) {
            if (fields.get(i) && i != DI && FIELDS.get(i) != Gpr.RAX) {
                out.mov(OpSize.Q, frame.field(i), FIELDS.get(i));
            }
        }
        if (fields.get(FIELDS.indexOf(Gpr.RAX))) {
            storeResult(FIELDS.indexOf(Gpr.RAX));
        }
        if (fields.get(RIP)) {
            loadSiteWord(0);
            out.mov(OpSize.Q, frame.field(RIP), Gpr.RAX);
        }
        if (fields.get(EFLAGS)) {
            out.mov(OpSize.Q, frame.field(EFLAGS), USUAL_FLAGS);
        }
        storeSpecialRegisters();
        if (frame.showsRegisters()) {
            storeShown();
            out.lea(OpSize.Q, Gpr.RAX, frame.shown(0));
            out.mov(OpSize.Q, frame.field(DI), Gpr.RAX);
        }
    }

    /** What the kernel has in {@code struct pt_regs} at a system call, beside the registers that are there already. */
    private void storeShown() {
        if (kind.isSyscallEnter()) {
            out.mov(OpSize.Q, frame.shown(Gpr.RAX), -ENOSYS);
        }
        loadSiteWord(0);
        out.mov(OpSize.Q, frame.shown(RIP), Gpr.RAX);
        out.mov(OpSize.Q, frame.shown(Gpr.RCX), Gpr.RAX);
        out.mov(OpSize.Q, frame.shown(CS), 0x33);
        out.mov(OpSize.Q, frame.shown(EFLAGS), USUAL_FLAGS);
        out.lea(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, frame.bytes() + kind.stackDistance()));
        out.mov(OpSize.Q, frame.shown(RSP), Gpr.RAX);
        out.mov(OpSize.Q, frame.shown(SS), 0x2b);
        if (program.uses().contains(ProgramEntry.Use.FRAME)) {
            out.lea(OpSize.Q, Gpr.RAX, frame.shown(0));
            out.mov(OpSize.Q, frame.at(ThunkFrame.FRAME_BEGINS), Gpr.RAX);
        }
    }

    /** The place of a register that the program has written in the record. */
    private void takeFromRecord(int word) {
        out.mov(OpSize.Q, Gpr.RAX, frame.field(word));
        out.mov(OpSize.Q, frame.place(written(word)), Gpr.RAX);
    }

    private void call() {
        if (stack == StackUse.POOL) {
            callOnPoolStack();
        } else if (alignsStack()) {
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
        if (mayOverride()) {
            tellStub();
        }
        if (keepsFlags) {
            out.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP));
            out.op(Arith.ADD, OpSize.B, Gpr.RAX, 0x7f);
            out.plain(Plain.SAHF);
        }
        out.mov(OpSize.Q, Gpr.RAX, frame.place(Gpr.RAX));
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, frame.bytes()));
        if (!flagsFirst()) {
            out.bind(skip);
        }
        out.plain(Plain.RET);
    }

    /**
     * The stub looks at CF, which is set when the function shall not run, and clear after the tests that lead to the end. Where
     * flags are kept it looks at the highest word of the frame, which is below its stack pointer then.
     */
    private void tellStub() {
        Label runs = new Label("runs");
        out.op(Arith.CMP, OpSize.D, frame.at(ThunkFrame.RUNS), 1);
        out.jcc(Cond.AE, runs);
        out.mov(OpSize.Q, Gpr.RAX, frame.at(ThunkFrame.RESULT));
        out.mov(OpSize.Q, frame.place(Gpr.RAX), Gpr.RAX);
        out.bind(runs);
        if (keepsFlags) {
            out.mov(OpSize.Q, Gpr.RAX, frame.at(ThunkFrame.RUNS));
            out.mov(OpSize.Q, frame.top(), Gpr.RAX);
        }
    }
}
