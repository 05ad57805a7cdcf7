package graft.cli.bpf;

import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.LoadResult;
import graft.ebpf.object.ObjectLoader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** A BPF object file that the build compiled with clang. */
public enum PackagedProgram {
    /** Plaintext of OpenSSL connections. */
    TLS,
    /** Latency histogram of one function. */
    LATENCY,
    /** Calls per attach point. */
    COUNT,
    /** System calls with the memory of their arguments. */
    SYSCALLS,
    /** Rules for system calls. */
    POLICY,
    /** System calls with the memory of their arguments, and rules for them. */
    INJECT,
    /** Programs that do nothing or little, for measurements. */
    BENCH,
    /** A program that leaves the function it runs in, for measurements. */
    OVERRIDE,
    /** Programs that keep the stack, for measurements. */
    STACKS,
    /** Programs that do one operation on a map many times, for measurements. */
    MAPS,
    /** A program that sends an event for each call, for measurements. */
    EVENTS,
    /** Programs that do nothing at system calls, for measurements. */
    CALLS,
    /** Files that are opened; for {@code graft run}. */
    OPENSNOOP,
    /** Files whose metadata are asked for; for {@code graft run}. */
    STATSNOOP,
    /** Programs that are executed; for {@code graft run}. */
    EXECSNOOP,
    /** System calls by number; for {@code graft run}. */
    SYSCOUNT;

    private static final Set<PackagedProgram> TOOLS = EnumSet.of(OPENSNOOP, STATSNOOP, EXECSNOOP, SYSCOUNT);

    /** A program that {@code graft run} knows by its name. */
    public static Optional<PackagedProgram> tool(String name) {
        return TOOLS.stream()
                .filter(tool -> tool.name().toLowerCase(Locale.ROOT).equals(name))
                .findFirst();
    }

    /** As users see it: {@code tls.bpf.o}. */
    public String file() {
        return name().toLowerCase(Locale.ROOT) + ".bpf.o";
    }

    /** The object file. */
    public byte[] bytes() {
        try (InputStream in = PackagedProgram.class.getResourceAsStream(file())) {
            if (in == null) {
                throw new AssertionError(file() + " is not packaged: the build did not compile it");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException("reading the packaged " + file(), e);
        }
    }

    /** The object, read. */
    public CollectionSpec spec() {
        return switch (ObjectLoader.load(file(), bytes())) {
            case LoadResult.Loaded(var spec, var _) -> spec;
            case LoadResult.Refused refused ->
                throw new AssertionError(file() + " is packaged and refused: " + refused);
        };
    }
}
