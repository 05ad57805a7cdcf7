package graft.attach;

import graft.platform.address.RemoteAddress;
import graft.platform.layout.PoolConstants;
import graft.platform.linux.ProcMem;
import graft.rewriter.Code;
import graft.rewriter.PatchPlan;
import graft.rewriter.PatchPlan.CodeBlock;
import graft.rewriter.PatchSite;
import graft.rewriter.plan.CodeSpace;
import graft.rewriter.plan.FunctionRange;
import graft.rewriter.plan.ModuleText;
import graft.rewriter.plan.Planned;
import graft.rewriter.plan.ProbePlanner;
import graft.rewriter.plan.ProgramAtSite;
import graft.rewriter.plan.Unwinding;
import graft.rewriter.stub.ProbeCall;
import graft.rewriter.stub.ReturnRoutines;
import graft.rewriter.stub.RuntimeRegion;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A program whose threads call one function after another, each of which can only be probed in one way, and the plans for
 * them. Every function returns its number.
 */
final class TacticTarget {
    /** The functions in the order of their numbers; what is between them is never reached, but for the crowded ones. */
    static final String SOURCE = """
            #include <pthread.h>
            #include <stdlib.h>
            #include <unistd.h>
            #include <stdio.h>
            #include <fcntl.h>
            volatile long calls, wrong;
            __asm__(".text\\n .p2align 12\\n .globl area\\n area:\\n"
              "f0: .byte 0x0f,0x1f,0x44,0,0\\n mov $0, %eax\\n ret\\n .p2align 6,0xcc\\n"
              "f1: mov $1, %eax\\n ret\\n .p2align 6,0xcc\\n"
              "f2: .byte 0xe9\\n .long f2_end-f2-5\\n .p2align 5,0xcc\\n f2_end: mov $2, %eax\\n ret\\n .p2align 6,0xcc\\n"
              "f3: xor %eax, %eax\\n add $3, %eax\\n ret\\n .p2align 6,0xcc\\n"
              "f4: xor %eax, %eax\\n 1: inc %eax\\n cmp $4, %eax\\n jne 1b\\n ret\\n .p2align 6,0xcc\\n"
              "f5: mov $5, %eax\\n pop %rdx\\n push %rdx\\n ret\\n .p2align 6,0xcc\\n"
              "f6: mov $6, %ecx\\n .byte 0xe9\\n .long f6_end-.-4\\n .p2align 5,0xcc\\n f6_end: mov %ecx, %eax\\n ret\\n .p2align 6,0xcc\\n"
              "f7: xor %eax, %eax\\n .rept 50\\n add $1, %eax\\n sub $1, %eax\\n .endr\\n add $7, %eax\\n ret\\n"
              "f8: xor %eax, %eax\\n 1: inc %eax\\n cmp $8, %eax\\n jne 1b\\n ret\\n"
              "f9: xor %eax, %eax\\n .rept 50\\n add $2, %eax\\n sub $2, %eax\\n .endr\\n add $9, %eax\\n ret\\n"
              ".p2align 6,0xcc\\n area_end:\\n"
              ".data\\n functions: .quad f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,area_end\\n .text\\n");
            extern long (*functions[])(void);
            static void *spin(void *x) { for (long i = 0;; i++) { for (int f = 0; f < 10; f++) if (functions[f]() != f) wrong++; calls++; if ((i & 0xfff) == 0) getppid(); } return x; }
            int main(int argc, char **argv) {
              int n = atoi(argv[1]);
              for (int i = 0; i < n; i++) { pthread_t t; pthread_create(&t, 0, spin, 0); }
              int fd = open(argv[3], O_CREAT | O_WRONLY | O_TRUNC, 0644); dprintf(fd, "ready %p %p %p %p\\n", (void *)functions[0], (void *)&calls, (void *)&wrong, (void *)functions); close(fd);
              for (;;) pause();
            }
            """;

    private static final int FUNCTIONS = 10;

    private TacticTarget() {}

    /** What is asked for of a function. */
    enum Place {
        ENTRY,
        RETURN
    }

    /** A probe that counts. */
    record Wanted(int function, Place place) {}

    /** One probe for each way there is. */
    static List<Wanted> all() {
        List<Wanted> wanted = new ArrayList<>();
        for (int function : List.of(0, 1, 2, 3, 4, 8)) {
            wanted.add(new Wanted(function, Place.ENTRY));
        }
        wanted.add(new Wanted(5, Place.RETURN));
        wanted.add(new Wanted(6, Place.RETURN));
        return wanted;
    }

    /** The code pool while it is filled. */
    private static final class Space implements CodeSpace {
        private final List<CodeBlock> blocks = new ArrayList<>();
        private final RemoteAddress active;
        private RemoteAddress next;

        Space(RemoteAddress start, RemoteAddress active) {
            this.next = start;
            this.active = active;
        }

        @Override
        public RemoteAddress next() {
            return next;
        }

        @Override
        public RemoteAddress active() {
            return active;
        }

        @Override
        public void add(RemoteAddress address, Code code, String purpose) {
            blocks.add(new CodeBlock(address, code, purpose));
            next = address.plus(code.length() + 15 & -16L);
        }
    }

    /** Plans probes as a session does, with a thunk that only counts. */
    static Injection injection(LiveTarget target, List<Wanted> wanted) {
        List<RemoteAddress> starts = functions(target);
        RemoteAddress pool = new RemoteAddress(LiveTarget.pool(target.pid, target.probed));
        RuntimeRegion region = new RuntimeRegion(pool, LiveTarget.POOL_SIZE, RuntimeRegion.ForkedChildren.LEFT);
        Space space = new Space(pool.plus(PoolConstants.CODE_OFFSET), region.active());
        RemoteAddress thunk = space.next();
        // lock incq counter(%rip); ret. The counter is where no stack is in use.
        int counter = (int) (pool.value() - 0x1000 - (thunk.value() + 8));
        byte[] count = ByteBuffer.allocate(9)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(new byte[] {(byte) 0xf0, 0x48, (byte) 0xff, 0x05})
                .putInt(counter)
                .put((byte) 0xc3)
                .array();
        space.add(thunk, Code.of(count), "thunk");
        ReturnRoutines.Written routines = ReturnRoutines.write(region, Optional.empty(), space.next());
        space.add(routines.address(), routines.code(), "return routines");
        ProbePlanner planner = new ProbePlanner(text(target, starts), space, routines::addresses, Unwinding.ABSENT);
        ProgramAtSite program = _ -> new ProbeCall(thunk, thunk, 0);
        List<PatchSite> sites = new ArrayList<>();
        for (Wanted one : wanted) {
            RemoteAddress start = starts.get(one.function());
            FunctionRange range = new FunctionRange(
                    "f" + one.function(), start, length(target, start, starts.get(one.function() + 1)));
            Planned planned = switch (one.place()) {
                case ENTRY -> planner.function(range, List.of(program), List.of());
                case RETURN -> planner.function(range, List.of(), List.of(program));
            };
            sites.addAll(((Planned.Patchable) planned).sites());
        }
        sites.sort(Comparator.comparing(PatchSite::address));
        return new Injection(
                target.pid,
                List.of(new Injection.Pool(pool, LiveTarget.POOL_SIZE, Code.of(new byte[128]))),
                List.of(),
                new PatchPlan(sites, space.blocks));
    }

    /** Up to the padding; the function with code behind padding ends at its first jump. */
    private static long length(LiveTarget target, RemoteAddress start, RemoteAddress next) {
        byte[] text = read(target, start, (int) next.minus(start));
        for (int at = 0; at < text.length; at++) {
            if (text[at] == (byte) 0xcc) {
                return at;
            }
        }
        return text.length;
    }

    private static ModuleText text(LiveTarget target, List<RemoteAddress> starts) {
        RemoteAddress start = starts.getFirst();
        byte[] bytes = read(target, start, (int) starts.getLast().minus(start));
        return new ModuleText(
                "t", bytes, start, starts.subList(0, FUNCTIONS), List.of(), (_, _) -> new byte[0], Set.of());
    }

    private static List<RemoteAddress> functions(LiveTarget target) {
        ByteBuffer table = ByteBuffer.wrap(read(target, new RemoteAddress(target.many), 8 * (FUNCTIONS + 1)))
                .order(ByteOrder.LITTLE_ENDIAN);
        List<RemoteAddress> starts = new ArrayList<>();
        while (table.hasRemaining()) {
            starts.add(new RemoteAddress(table.getLong()));
        }
        return starts;
    }

    private static byte[] read(LiveTarget target, RemoteAddress from, int length) {
        try (ProcMem memory = ProcMem.open(target.pid)) {
            return memory.readBytes(from, length);
        }
    }
}
