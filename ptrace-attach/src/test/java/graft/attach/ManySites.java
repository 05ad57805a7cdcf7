package graft.attach;

import graft.platform.address.RemoteAddress;
import graft.platform.linux.ProcMem;
import graft.rewriter.Code;
import graft.rewriter.PatchPlan;
import graft.rewriter.PatchPlan.CodeBlock;
import graft.rewriter.PatchSite;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** An injection with a site in each of the small functions of a {@link LiveTarget}. */
final class ManySites {
    static final int SITES = 600;
    static final int DISTANCE = 16;
    private static final int POOL_SIZE = 0x30000;
    private static final int STUBS = 0x20000;
    private static final int JUMP = 5;

    private ManySites() {}

    /** Every stub is the moved {@code mov $7,%eax} and a jump back. */
    static Injection injection(int pid, long many) {
        List<PatchSite> sites = new ArrayList<>();
        List<CodeBlock> stubs = new ArrayList<>();
        long pool = LiveTarget.pool(pid, many);
        try (ProcMem memory = ProcMem.open(pid)) {
            for (int i = 0; i < SITES; i++) {
                long site = many + (long) i * DISTANCE;
                long stub = pool + STUBS + (long) i * DISTANCE;
                byte[] old = memory.readBytes(new RemoteAddress(site), JUMP);
                byte[] code = Arrays.copyOf(old, 2 * JUMP);
                System.arraycopy(jump(stub + JUMP, site + JUMP), 0, code, JUMP, JUMP);
                stubs.add(new CodeBlock(new RemoteAddress(stub), Code.of(code), "stub"));
                sites.add(new PatchSite(
                        new RemoteAddress(site),
                        "many",
                        Code.of(old),
                        Code.of(jump(site, stub)),
                        List.of(),
                        PatchSite.Tactic.SINGLE_INSN,
                        PatchSite.Liveness.NO_INNER_BOUNDARY,
                        List.of()));
            }
        }
        return new Injection(
                pid,
                List.of(new Injection.Pool(new RemoteAddress(pool), POOL_SIZE, Code.of(new byte[128]))),
                List.of(),
                new PatchPlan(sites, stubs));
    }

    private static byte[] jump(long from, long to) {
        return ByteBuffer.allocate(JUMP)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put((byte) 0xe9)
                .putInt((int) (to - (from + JUMP)))
                .array();
    }
}
