package graft.rewriter.relocate;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.asm.x86_64.X64Insn;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes new code, made for one place, at another one. No thread has been in it before, so unlike displaced instructions its
 * calls return into the copy and its own branches stay inside. Writes into a borrowed assembler; on refusal the output is to
 * be thrown away.
 */
public final class Transplant {
    private final X64Assembler out;
    private final Map<RemoteAddress, Label> labels = new HashMap<>();

    public Transplant(X64Assembler out) {
        this.out = out;
    }

    /** Writes adjacent instructions. A branch to the end of the last one goes on behind the copy. */
    public Relocation write(List<X64Insn> insns) {
        insns.forEach(
                insn -> labels.put(insn.address(), new Label(insn.address().toString())));
        RemoteAddress end = insns.getLast().end();
        labels.put(end, new Label("end"));
        List<Relocation.Moved> moved = new ArrayList<>();
        for (X64Insn insn : insns) {
            out.bind(labels.get(insn.address()));
            moved.add(new Relocation.Moved(insn, new RemoteAddress(out.here())));
            Optional<Relocation.Refused> refused = write(insn, insns.getFirst().address(), end);
            if (refused.isPresent()) {
                return refused.get();
            }
        }
        out.bind(labels.get(end));
        return new Relocation.Done(moved);
    }

    private Optional<Relocation.Refused> write(X64Insn insn, RemoteAddress start, RemoteAddress end) {
        Optional<RemoteAddress> target = insn.branchTarget();
        boolean inside = target.isPresent()
                && target.get().compareTo(start) >= 0
                && target.get().compareTo(end) <= 0;
        if (inside) {
            return labels.containsKey(target.get())
                    ? branch(insn, labels.get(target.get()))
                    : refused(insn, "it jumps into an instruction of the new code");
        }
        return switch (insn.kind()) {
            case PLAIN, NOP, RET, JMP_INDIRECT, JMP_REL, JCC_REL, LOOP_REL, JRCXZ_REL ->
                refusal(new Relocator(out).relocate(List.of(insn)));
            case CALL_INDIRECT, ENDBR64, SYSCALL, TRAP, INT3, UNDEFINED, HLT -> refusal(new Relocator(out).copy(insn));
            case CALL_REL -> call(insn);
            case FAR, XBEGIN_REL -> refused(insn, "it changes the code segment or begins a transaction");
        };
    }

    private static Optional<Relocation.Refused> refusal(Relocation relocation) {
        return relocation instanceof Relocation.Refused refused ? Optional.of(refused) : Optional.empty();
    }

    private static Optional<Relocation.Refused> refused(X64Insn insn, String why) {
        return Optional.of(new Relocation.Refused(insn, why));
    }

    private Optional<Relocation.Refused> call(X64Insn insn) {
        long target = insn.branchTarget().orElseThrow().value();
        if (Math.abs(target - out.here()) >= Integer.MAX_VALUE - 64) {
            return refused(insn, "its target is more than 2 GiB away from the code pool");
        }
        out.call(target);
        return Optional.empty();
    }

    /** A branch of the new code to itself. */
    private Optional<Relocation.Refused> branch(X64Insn insn, Label label) {
        switch (insn.kind()) {
            case JMP_REL -> out.jmp(label);
            case JCC_REL -> out.jcc(CONDITIONS[insn.opcode() & 15], label);
            case CALL_REL -> out.call(label);
            case LOOP_REL, JRCXZ_REL -> {
                if (insn.hasAddressSizePrefix()) {
                    return refused(insn, "it counts in ecx");
                }
                out.bytes(new byte[] {(byte) insn.opcode(), 2, (byte) 0xeb, 5}); // these have no long form
                out.jmp(label);
            }
            case PLAIN,
                    NOP,
                    ENDBR64,
                    JMP_INDIRECT,
                    CALL_INDIRECT,
                    XBEGIN_REL,
                    RET,
                    FAR,
                    SYSCALL,
                    TRAP,
                    INT3,
                    UNDEFINED,
                    HLT -> {
                return refused(insn, "it jumps in a way that cannot be moved");
            }
        }
        return Optional.empty();
    }

    private static final Cond[] CONDITIONS = Cond.values();
}
