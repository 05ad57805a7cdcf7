package graft.rewriter.stub;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.RegMem;
import graft.platform.asm.x86_64.X64Assembler;
import graft.rewriter.Code;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;

/**
 * Writes the thunk of one program and one probe kind.
 *
 * <pre>
 *  frame, from rsp up, 192 bytes:   0 saved flags | 8 cookie | 16 function ip | 24 context (21 words)
 *  above it: the return address into the stub, which leads to the site record
 * </pre>
 *
 * A saved register's place is its field of the context, which programs cannot write.
 */
public final class ThunkWriter {
    /** No thunk is longer. */
    public static final int MAX_BYTES = 512;

    private static final int FRAME = 192;
    private static final int COOKIE = 8;
    private static final int FUNCTION_IP = 16;
    private static final int CONTEXT = 24;
    private static final int RAX_FIELD = 10;
    private static final int ORIG_RAX = 15;
    private static final int RIP = 16;
    private static final int CS = 17;
    private static final int EFLAGS = 18;
    private static final int RSP = 19;
    private static final int SS = 20;

    /** Registers in the order of {@code struct pt_regs}. */
    private static final List<Gpr> FIELDS = List.of(
            Gpr.R15, Gpr.R14, Gpr.R13, Gpr.R12, Gpr.RBP, Gpr.RBX, Gpr.R11, Gpr.R10, Gpr.R9, Gpr.R8, Gpr.RAX, Gpr.RCX,
            Gpr.RDX, Gpr.RSI, Gpr.RDI);

    private final RuntimeRegion runtime;

    public ThunkWriter(RuntimeRegion runtime) {
        this.runtime = runtime;
    }

    /** The thunk's bytes for {@code address}. */
    public Code write(RemoteAddress address, ProbeKind kind, ProgramEntry program) {
        X64Assembler out = new X64Assembler(address.value());
        BitSet fields = program.contextFields();
        boolean passesContext = !fields.isEmpty() || !program.uses().isEmpty();
        EnumSet<Gpr> saved = EnumSet.of(Gpr.RAX);
        saved.addAll(program.clobbered());
        if (passesContext) {
            saved.add(Gpr.RDI);
        }
        if (kind == ProbeKind.OFFSET) {
            saved.add(Gpr.RBX);
        }
        saved.remove(Gpr.RSP);
        Label skip = new Label("skip");
        open(out, kind, fields.get(EFLAGS), skip);
        storeRegisters(out, fields, saved);
        storeSite(out, kind, program);
        if (passesContext) {
            out.lea(OpSize.Q, Gpr.RDI, Address.at(Gpr.RSP, CONTEXT));
        }
        call(out, kind, program);
        for (Gpr register : saved) {
            if (register != Gpr.RAX) {
                out.mov(OpSize.Q, register, field(FIELDS.indexOf(register)));
            }
        }
        close(out, kind, fields.get(EFLAGS), skip);
        return Code.of(out.finish());
    }

    private static Address field(int index) {
        return Address.at(Gpr.RSP, CONTEXT + 8 * index);
    }

    private static boolean flagsLive(ProbeKind kind) {
        return kind == ProbeKind.OFFSET;
    }

    /** The test of the state page comes before anything else that the kind allows. */
    private void open(X64Assembler out, ProbeKind kind, boolean readsFlags, Label skip) {
        boolean early = flagsLive(kind) || readsFlags;
        if (early) {
            frame(out);
            if (readsFlags) {
                out.plain(Plain.PUSHFQ);
                out.pop(Gpr.RAX);
                out.mov(OpSize.Q, field(EFLAGS), Gpr.RAX);
            }
            if (flagsLive(kind)) {
                restoreFlagsSource(out, readsFlags);
            }
        }
        out.op(Arith.CMP, OpSize.D, new Address.Absolute(runtime.active().value()), 0);
        out.jcc(Cond.E, skip);
        if (!early) {
            frame(out);
        }
    }

    private static void frame(X64Assembler out) {
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, -FRAME));
        out.mov(OpSize.Q, field(RAX_FIELD), Gpr.RAX);
    }

    private static void restoreFlagsSource(X64Assembler out, boolean readsFlags) {
        // Neither pushfq nor pop changes the flags, so lahf still sees the site's.
        out.plain(Plain.LAHF);
        out.setcc(Cond.O, Gpr.RAX);
        out.mov(OpSize.Q, Address.at(Gpr.RSP), Gpr.RAX);
    }

    private static void storeRegisters(X64Assembler out, BitSet fields, EnumSet<Gpr> saved) {
        for (int i = 0; i < FIELDS.size(); i++) {
            if (i != RAX_FIELD && (fields.get(i) || saved.contains(FIELDS.get(i)))) {
                out.mov(OpSize.Q, field(i), FIELDS.get(i));
            }
        }
    }

    /** rax is scratch from here on. */
    private static void storeSite(X64Assembler out, ProbeKind kind, ProgramEntry program) {
        BitSet fields = program.contextFields();
        boolean functionIp = program.uses().contains(ProgramEntry.Use.FUNCTION_IP);
        boolean ip = fields.get(RIP) && kind != ProbeKind.RETURN;
        if (functionIp || ip) {
            out.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, FRAME));
            out.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RAX, -kind.recordDistance()));
            if (functionIp) {
                out.mov(OpSize.Q, Address.at(Gpr.RSP, FUNCTION_IP), Gpr.RAX);
            }
            if (ip) {
                out.mov(OpSize.Q, field(RIP), Gpr.RAX);
            }
        }
        if (fields.get(RIP) && kind == ProbeKind.RETURN) {
            out.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, FRAME + 8));
            out.mov(OpSize.Q, field(RIP), Gpr.RAX);
        }
        if (program.uses().contains(ProgramEntry.Use.COOKIE)) {
            out.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, FRAME));
            out.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RAX, 8 - kind.recordDistance()));
            out.mov(OpSize.Q, Address.at(Gpr.RSP, COOKIE), Gpr.RAX);
        }
        if (fields.get(RSP)) {
            out.lea(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, kind.stackDistance()));
            out.mov(OpSize.Q, field(RSP), Gpr.RAX);
        }
        storeConstants(out, fields);
    }

    private static void storeConstants(X64Assembler out, BitSet fields) {
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

    private static void call(X64Assembler out, ProbeKind kind, ProgramEntry program) {
        if (kind == ProbeKind.OFFSET) {
            out.mov(OpSize.Q, (RegMem) Gpr.RBX, Gpr.RSP);
            out.op(Arith.AND, OpSize.Q, Gpr.RSP, -16);
            out.call(program.address().value());
            out.mov(OpSize.Q, (RegMem) Gpr.RSP, Gpr.RBX);
        } else {
            out.call(program.address().value());
        }
    }

    private static void close(X64Assembler out, ProbeKind kind, boolean readsFlags, Label skip) {
        boolean early = flagsLive(kind) || readsFlags;
        if (early) {
            out.bind(skip);
        }
        if (flagsLive(kind)) {
            out.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP));
            out.op(Arith.ADD, OpSize.B, Gpr.RAX, 0x7f);
            out.plain(Plain.SAHF);
        }
        out.mov(OpSize.Q, Gpr.RAX, field(RAX_FIELD));
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, FRAME));
        if (!early) {
            out.bind(skip);
        }
        out.plain(Plain.RET);
    }
}
