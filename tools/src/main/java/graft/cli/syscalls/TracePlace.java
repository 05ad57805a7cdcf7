package graft.cli.syscalls;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Where the packaged program runs: its maps and its events. Closing ends the reading, not the program. */
public sealed interface TracePlace extends AutoCloseable permits KernelPlace, ProcessPlace {
    /** Whether the program is asked about every process of the machine, and not only about those that it runs in. */
    enum Reach {
        MACHINE,
        CHOSEN
    }

    /** See {@link Reach}. */
    Reach reach();

    /** Sets a value. */
    void update(String map, byte[] key, byte[] value);

    /** The value of a key. */
    Optional<byte[]> lookup(String map, byte[] key);

    /** All keys of a hash. */
    List<byte[]> keys(String map);

    /** Removes a key, if it is there. */
    void delete(String map, byte[] key);

    /** How many elements a map may have. */
    int size(String map);

    /** Takes the events that are there; waits for some, at most for {@code limit}. How many there were. */
    int read(Duration limit, Consumer<MemorySegment> receiver);

    /** Events that found no room in the ring. */
    long lost();

    /** No further event is made. */
    void stop();

    @Override
    void close();
}
