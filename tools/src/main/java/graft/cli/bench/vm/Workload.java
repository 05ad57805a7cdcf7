package graft.cli.bench.vm;

import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.LoadResult;
import graft.ebpf.object.ObjectLoader;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Facts;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One measured program.
 *
 * @param name of the program, its object and its native function
 * @param facts what the verifier learned
 * @param proof whose verifier accepts it
 */
public record Workload(String name, CollectionSpec object, ProgSpec program, Facts facts, Proof proof) {
    private static final int FRAME_BYTES = 512;

    /** The map that is the program's state: 8 KiB of memory and the result. */
    public static final String STATE = ".bss";

    /** All programs. */
    public static final List<String> NAMES = List.of(
            "nothing",
            "primes",
            "checksum",
            "histogram",
            "machine",
            "compare",
            "copy",
            "mix64",
            "mix32",
            "calls",
            "parse",
            "digits",
            "crc",
            "siphash",
            "search",
            "sort",
            "scan",
            "counters");

    /** Loads and verifies a packaged program. */
    public static Workload load(String name) {
        CollectionSpec object = switch (ObjectLoader.load(name, bytes(name))) {
            case LoadResult.Loaded loaded -> loaded.spec();
            case LoadResult.Refused refused -> throw new AssertionError(name + " is refused: " + refused);
        };
        ProgSpec program = object.programs().get(name);
        return switch (Verifier.of(object.maps()).verify(program)) {
            case Verdict.Accepted(var facts) -> new Workload(name, object, program, facts, Proof.OWN);
            case Verdict.Rejected _ -> new Workload(name, object, program, unproven(program), Proof.KERNEL);
        };
    }

    /** Who proved the program safe: the suite loads every program into the kernel before it runs it. */
    public enum Proof {
        /** Graft's verifier. */
        OWN,
        /** Only the kernel's. */
        KERNEL
    }

    /** Facts that exclude nothing, for a program without helpers. */
    private static Facts unproven(ProgSpec program) {
        BitSet all = new BitSet();
        all.set(0, program.insns().slots());
        Map<Integer, Integer> frames = new HashMap<>();
        program.functions().forEach(function -> frames.put(function.firstSlot(), FRAME_BYTES));
        return new Facts(
                new BitSet(),
                Facts.ContextUse.ESCAPES,
                Set.of(),
                Map.of(),
                frames,
                FRAME_BYTES,
                1,
                0,
                all,
                all,
                all,
                Facts.ArenaUse.NONE,
                Facts.OwnValues.NONE);
    }

    /** The packaged object file. */
    public static byte[] bytes(String name) {
        String file = name + ".bpf.o";
        try (InputStream in = Workload.class.getResourceAsStream(file)) {
            if (in == null) {
                throw new AssertionError(file + " is not packaged: the build did not compile it");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException("reading the packaged " + file, e);
        }
    }
}
