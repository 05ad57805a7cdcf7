package graft.daemon;

import graft.ebpf.insn.Assembler;
import graft.ebpf.maps.ArrayMap;
import graft.ebpf.maps.RingBuffer;
import graft.ebpf.maps.RingBufferReader;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Graft's own programs around system calls, the last programs at their places. At those by which the hooked code of a process
 * changes they ring, say who and what, and wait for the answer. At those by which a process puts itself under a filter of system
 * calls they end those of the agent.
 */
final class SyscallWatch {
    private static final String SECTION = "the watch of system calls"; // no object of a user has such a one
    private static final String MAP = ".watch";
    private static final String BELL = ".bell";
    private static final int BELL_BYTES = 4096;
    private static final String CALLEE = "is_answered";
    private static final int SLOTS = 256;
    private static final int HEAD = 64;
    private static final int SLOT_BYTES = 32;
    private static final int WHO = 8;
    private static final int WHAT = 16;
    private static final int ANSWER = 24;

    /** Of processes that make no system calls for graft nobody hears the bell. */
    private static final Duration LONGEST_SLEEP = Duration.ofMillis(100);

    /** {@code PR_SET_SECCOMP}, and {@code SECCOMP_SET_MODE_STRICT} and {@code SECCOMP_SET_MODE_FILTER}. */
    private static final Map<String, String> CONFINING = Map.of("prctl", "== 22", "seccomp", "< 2");

    private final ArrayMap slots;
    private final RingBufferReader bell;
    private long seen;

    private SyscallWatch(ArrayMap slots, RingBufferReader bell) {
        this.slots = slots;
        this.bell = bell;
    }

    /** What has happened. */
    enum Event {
        /** A thread is about to execute a program. */
        EXECUTES,
        /** It could not. */
        EXECUTED_NOTHING,
        /** A file was mapped as code. */
        MAPPED;

        int number() {
            return ordinal() + 1;
        }
    }

    /** One ring. */
    record Ring(long number, int pid, int tid, Event event) {}

    /** The request with these programs too, where they are needed. */
    static SessionRequest expanded(SessionRequest asked) {
        SessionRequest request = StorageWatch.expanded(asked);
        if (request.links().stream().noneMatch(LinkRequest.Syscall.class::isInstance)) {
            return request;
        }
        Map<String, ProgSpec> programs = new LinkedHashMap<>(request.object().programs());
        List<LinkRequest> links = new ArrayList<>(request.links());
        Map<String, MapSpec> maps = new LinkedHashMap<>(request.object().maps());
        CONFINING.forEach((call, how) -> add(programs, links, confining(call, how), List.of(call)));
        boolean follows = request.onFork() == ForkedChildren.FOLLOWED;
        if (follows || request.onMissing() != SessionRequest.OnMissing.FAIL) {
            add(programs, links, ringing(".mapped", ProgType.RAW_SYSCALL_EXIT, Event.MAPPED), List.of("mmap"));
            maps.put(MAP, MapSpec.of(MAP, MapType.ARRAY, Integer.BYTES, HEAD + SLOTS * SLOT_BYTES, 1));
            maps.put(BELL, MapSpec.of(BELL, MapType.RINGBUF, 0, 0, BELL_BYTES));
        }
        if (follows) {
            List<String> calls = List.of("execve", "execveat");
            add(programs, links, ringing(".executes", ProgType.SYSCALL_ENTER, Event.EXECUTES), calls);
            add(programs, links, ringing(".failed", ProgType.SYSCALL_EXIT, Event.EXECUTED_NOTHING), calls);
        }
        CollectionSpec object = request.object().with(maps, programs);
        return request.with(object, links);
    }

    private static void add(
            Map<String, ProgSpec> programs, List<LinkRequest> links, ProgSpec program, List<String> calls) {
        LinkRequest.Edge edge =
                program.type() == ProgType.SYSCALL_ENTER ? LinkRequest.Edge.ENTER : LinkRequest.Edge.EXIT;
        programs.put(program.name(), program);
        calls.forEach(call -> links.add(new LinkRequest.Syscall(program.name(), Optional.of(call), edge, 0)));
    }

    private static ProgSpec ringing(String name, ProgType type, Event event) {
        String text = (event == Event.MAPPED ? text("watch-mapped.s") : "") + text("watch-ring.s");
        return program(name, type, text.replace("EVENT", Integer.toString(event.number())));
    }

    private static ProgSpec confining(String call, String how) {
        return program(
                "." + call, ProgType.SYSCALL_ENTER, text("watch-confined.s").replace("CONFINES", how));
    }

    /** One of graft's own, of the text of an assembly program. */
    static ProgSpec program(String name, ProgType type, String text) {
        return switch (Assembler.assemble(text)) {
            case Assembler.Result.Assembled(var insns, var labels, var _) -> {
                int callee = labels.getOrDefault(CALLEE, insns.slots());
                List<ProgSpec.Function> functions = new ArrayList<>(List.of(new ProgSpec.Function(name, 0, callee, 0)));
                if (callee < insns.slots()) {
                    functions.add(new ProgSpec.Function(CALLEE, callee, insns.slots() - callee, 0));
                }
                yield new ProgSpec(name, SECTION, type, Optional.empty(), insns, functions, List.of(), "Dual BSD/GPL");
            }
            case Assembler.Result.Refused refused -> throw new AssertionError(SECTION + ": " + refused);
        };
    }

    /** Whether it is one of these programs. */
    static boolean isOwn(ProgSpec program) {
        return program.section().equals(SECTION);
    }

    static String text(String resource) {
        try (InputStream in = SyscallWatch.class.getResourceAsStream(resource)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + resource, e);
        }
    }

    /** That of a collection whose request was {@link #expanded}. */
    static Optional<SyscallWatch> of(Collection collection) {
        return collection
                .map(MAP)
                .map(slots -> new SyscallWatch(
                        (ArrayMap) slots, ((RingBuffer) collection.map(BELL).orElseThrow()).reader()));
    }

    /** Sleeps until somebody rings who was not among the last {@link #rings}, or somebody calls {@link #wake}. */
    void await() {
        bell.await(LONGEST_SLEEP);
    }

    /** Ends a sleep. */
    void wake() {
        bell.wake();
    }

    /** Who has rung since. */
    List<Ring> rings() {
        List<Ring> rings = new ArrayList<>();
        bell.drain(_ -> {}, Integer.MAX_VALUE); // whoever rings from here on is noticed in the next sleep
        long rung = slots.longAt(0);
        seen = Math.max(seen, rung - SLOTS); // whoever was overtaken does not wait any more
        while (seen < rung && word(seen, 0) == seen + 1) {
            long who = word(seen, WHO);
            Event event = Event.values()[(int) word(seen, WHAT) - 1];
            rings.add(new Ring(seen, (int) (who >>> Integer.SIZE), (int) who, event));
            seen++;
        }
        return rings;
    }

    private long word(long ring, int offset) {
        return (long) ValueLayout.JAVA_LONG.varHandle().getAcquire(slots.value(0), slot(ring) + offset);
    }

    private static long slot(long ring) {
        return HEAD + ring % SLOTS * SLOT_BYTES;
    }

    /** Lets the one who rang go on. */
    void answer(Ring ring) {
        answer(ring.number(), ring.number() + 1);
    }

    private void answer(long ring, long upTo) {
        ValueLayout.JAVA_LONG.varHandle().setRelease(slots.value(0), slot(ring) + ANSWER, upTo);
    }

    /** Lets everybody go on, also those who ring later. */
    void answerAll() {
        for (int slot = 0; slot < SLOTS; slot++) {
            answer(slot, Long.MAX_VALUE);
        }
    }
}
