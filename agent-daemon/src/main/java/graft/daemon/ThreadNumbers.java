package graft.daemon;

import graft.daemon.NumberTable.Key;
import graft.daemon.NumberTable.Newcomer;
import graft.ebpf.maps.Threads;
import graft.platform.address.RemoteAddress;
import graft.platform.linux.NativeFd;
import graft.platform.linux.ProcMem;
import graft.platform.linux.SysException;
import graft.platform.proc.NoSuchProcessException;
import graft.platform.proc.PidNamespace;
import graft.platform.proc.ProcessMaps;
import graft.platform.proc.ProcessStatus;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Tells targets in other pid namespaces by which numbers this process knows them, as the kernel's helpers do: those of all
 * threads at the attach, those of later ones when they ask, which a thread of this class waits for. It also looks from time to
 * time, for those that cannot ring and for numbers that are free again. Sooner than it looks a namespace does not give a number
 * to a second thread.
 */
public final class ThreadNumbers implements AutoCloseable {
    private static final long PERIOD_NANOS = 100_000_000;

    private final NumberTable table = new NumberTable();
    private final long inode;
    private final Map<Integer, Map<Integer, Key>> threads =
            new HashMap<>(); // by process, then by number; guarded by this
    private final Thread thread;
    private volatile boolean ended; // published to the thread by whoever closes

    ThreadNumbers() {
        this.inode = inode(table.fd());
        this.thread = Thread.ofPlatform().daemon().name("graft-numbers").start(this::run);
    }

    private static long inode(NativeFd fd) {
        try {
            return (long) Files.getAttribute(Path.of("/proc/self/fd/" + fd.number()), "unix:ino");
        } catch (IOException failed) {
            throw new UncheckedIOException("looking at " + fd, failed);
        }
    }

    /** The memory, to be mapped by targets. Borrowed. */
    public NativeFd fd() {
        return table.fd();
    }

    /** Says the numbers of a process's threads, as many as there are now. */
    public synchronized void add(int process) {
        Map<Integer, Key> known = threads.computeIfAbsent(process, _ -> new HashMap<>());
        Set<Integer> present = new HashSet<>(ProcessStatus.threads(process));
        known.entrySet().removeIf(entry -> {
            boolean over = !present.contains(entry.getKey()) && !isChild(entry.getKey(), process);
            if (over) {
                table.remove(entry.getValue(), Math.abs(entry.getKey()));
            }
            return over;
        });
        for (int number : present) {
            if (!known.containsKey(number)) {
                own(number).ifPresent(own -> put(process, own, number));
            }
        }
    }

    private void put(int process, int own, int number) {
        Key key = new Key(process, own);
        threads.get(process).put(number, key);
        table.put(key, number);
    }

    /** As after vfork, in its parent's memory. */
    private static boolean isChild(int pid, int parent) {
        return ProcessStatus.find(pid)
                .filter(status -> status.parent() == parent)
                .isPresent();
    }

    private static Optional<Integer> own(int thread) {
        return ProcessStatus.find(thread)
                .map(ProcessStatus::namespacePids)
                .filter(numbers -> !numbers.isEmpty())
                .map(List::getLast);
    }

    private void run() {
        int done = 0; // as often as nobody has rung
        long looked = System.nanoTime();
        while (!ended) {
            int heard = table.bell();
            List<Key> unanswered = List.of();
            if (heard != done) {
                table.newcomers().forEach(this::answer);
                unanswered = table.unanswered();
                done = heard;
            }
            if (!unanswered.isEmpty() || System.nanoTime() - looked >= PERIOD_NANOS) {
                looked = System.nanoTime();
                look(unanswered);
            }
            table.await(heard, PERIOD_NANOS);
        }
    }

    private synchronized void look(List<Key> unanswered) {
        Set<Integer> processes = new HashSet<>(threads.keySet());
        unanswered.stream().map(Key::process).filter(this::isOurs).forEach(processes::add);
        for (int process : processes) {
            try {
                add(process);
            } catch (NoSuchProcessException over) {
                threads.remove(process).forEach((number, key) -> table.remove(key, Math.abs(number)));
            }
        }
        unanswered.forEach(this::answer);
        table.silent().stream() // they may have been killed before they could ask, or behind the answer
                .filter(silent -> withOwn(silent.own()).findAny().isEmpty())
                .forEach(table::remove);
    }

    private void answer(Key key) {
        threads.getOrDefault(key.process(), Map.of()).entrySet().stream()
                .filter(known -> known.getValue().equals(key))
                .findFirst()
                .ifPresentOrElse(known -> table.put(key, Math.abs(known.getKey())), () -> search(key));
    }

    /** A key is what somebody in a target has written: only those who have this memory are answered. */
    private boolean isOurs(int process) {
        try {
            return threads.containsKey(process)
                    || ProcessMaps.of(process).mappings().stream().anyMatch(mapping -> mapping.inode() == inode);
        } catch (NoSuchProcessException | SysException over) {
            return false;
        }
    }

    /** It may be a child of vfork. One that is not found goes by its own number, until the next look. */
    private void search(Key key) {
        Map<Integer, Key> known = threads.get(key.process());
        if (known == null) {
            table.remove(key, 0);
            return;
        }
        Optional<Integer> child =
                withOwn(key.own()).filter(pid -> isChild(pid, key.process())).findFirst();
        known.put(child.orElse(-key.own()), key); // no thread has that
        table.put(key, child.orElse(key.own()));
    }

    private static Stream<Integer> withOwn(int own) {
        return ProcessHandle.allProcesses()
                .map(process -> (int) process.pid())
                .filter(pid -> own(pid).filter(number -> number == own).isPresent());
    }

    private void answer(Newcomer newcomer) {
        if (newcomer.place() == 0) { // it has given up
            table.remove(newcomer);
            return;
        }
        if (newcomer.number() != 0) {
            if (ProcessStatus.find(newcomer.number()).isEmpty()) { // it was killed before it read the answer
                table.remove(newcomer);
            }
            return;
        }
        withOwn(newcomer.own())
                .filter(pid -> has(pid, newcomer))
                .findFirst()
                .ifPresentOrElse(pid -> table.answer(newcomer, pid, namespace(pid)), () -> table.remove(newcomer));
    }

    private static int namespace(int pid) {
        return PidNamespace.find(pid).map(PidNamespace::inode).orElse(0);
    }

    private static boolean has(int pid, Newcomer newcomer) {
        try (ProcMem memory = ProcMem.open(pid)) {
            byte[] bytes = memory.readBytes(new RemoteAddress(newcomer.place()), Long.BYTES);
            return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).getLong() == newcomer.token();
        } catch (SysException other) {
            return false;
        }
    }

    /** No thread is answered any more. */
    @Override
    public void close() {
        ended = true;
        table.ring();
        Threads.join(thread);
        table.close();
    }
}
