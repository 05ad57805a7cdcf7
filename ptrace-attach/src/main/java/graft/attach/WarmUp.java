package graft.attach;

import graft.platform.address.RemoteAddress;
import graft.platform.linux.PosixSpawn;
import graft.platform.linux.ProcMem;
import graft.platform.linux.SysException;
import graft.platform.proc.MemoryMapping;
import graft.rewriter.Code;
import graft.rewriter.PatchPlan;
import graft.rewriter.PatchSite;
import java.util.List;
import java.util.Optional;

/**
 * Attaches to a sleeping child of ours and detaches, some times: links the native calls and loads and compiles the code of
 * the stop, so that the first real target is not held for the milliseconds that this takes.
 */
final class WarmUp {
    private static final int ROUNDS = 20;
    private static final int POOL_SIZE = 0x1000;
    private static final int SITE_BYTES = 5;
    private static final long BELOW = 0x1000000;

    private final Attacher attacher;

    WarmUp(Attacher attacher) {
        this.attacher = attacher;
    }

    /** @return a target that could not be attached to ends it early: what cannot be done need not be fast */
    int run() {
        // It ends by itself when we are killed.
        int pid = PosixSpawn.spawn("/bin/sleep", List.of("sleep", "30"), List.of(), Optional.empty());
        try (Child child = new Child(pid)) {
            for (int round = 0; round < ROUNDS; round++) {
                if (!(attacher.attach(injection(child.pid())) instanceof AttachResult.Attached attached)) {
                    return round;
                }
                attached.attachment().detach();
            }
            return ROUNDS;
        } catch (SysException | TraceeGoneException failed) {
            return 0;
        }
    }

    /** Writes what is there already. */
    private static Injection injection(int pid) {
        MemoryMapping text = ProcMaps.read(pid).mappings().stream()
                .filter(MemoryMapping::isExecutable)
                .filter(MemoryMapping::isFile)
                .findFirst()
                .orElseThrow(() -> new TraceeGoneException(pid, "looking for its text"));
        Code bytes;
        try (ProcMem memory = ProcMem.open(pid)) {
            bytes = Code.of(memory.readBytes(text.start(), SITE_BYTES));
        }
        PatchSite site = new PatchSite(
                text.start(),
                "warm-up",
                bytes,
                bytes,
                List.of(),
                PatchSite.Tactic.SINGLE_INSN,
                PatchSite.Liveness.NO_INNER_BOUNDARY,
                List.of());
        RemoteAddress pool = text.start().plus(-BELOW);
        Injection.Pool only = new Injection.Pool(pool, POOL_SIZE, Code.of(new byte[8]));
        PatchPlan plan = new PatchPlan(List.of(site), List.of(new PatchPlan.CodeBlock(pool, bytes, "warm-up")));
        return new Injection(pid, List.of(only), List.of(), plan);
    }
}
