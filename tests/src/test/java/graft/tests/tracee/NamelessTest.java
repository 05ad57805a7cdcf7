package graft.tests.tracee;

import static org.assertj.core.api.Assertions.assertThat;

import graft.daemon.KernelSession;
import graft.daemon.Session;
import graft.platform.elf.ElfFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A static program without any name: its functions are addresses, and the kernel's probes at them are the oracle. */
@Tag("slow")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class NamelessTest {
    private static final Path PROGRAM = Path.of("/bin/busybox");
    private static final int PLACES = 250;
    private static final long TIMES = 300;
    private static final int ROUNDS = 50;
    private static final String POLL = "7 ";

    @Test
    void countsWhatTheKernelCounts() throws IOException {
        List<String> places = places();
        Set<String> evex = Set.copyOf(beginning(0x62));
        try (Tracee shell = new Tracee(List.of(PROGRAM.toString(), "sh", "tracees/nameless/shell.sh"))) {
            List<Long> counted = counted(shell, places);
            assertThat(counted.stream().filter(count -> count >= TIMES).count()).isGreaterThan(2);
            assertThat(counted(shell, places)).isEqualTo(counted);
            // The kernel refuses some instructions, so it gets only the places that matter; and its probe at an EVEX
            // instruction, as strchrnul begins with one, breaks the program.
            List<Integer> met = IntStream.range(0, PLACES)
                    .filter(place -> counted.get(place) > 0 && !evex.contains(places.get(place)))
                    .boxed()
                    .toList();
            assertThat(countedByKernel(shell, met.stream().map(places::get).toList()))
                    .isEqualTo(met.stream().map(counted::get).toList());
            for (int round = 0; round < ROUNDS; round++) {
                shell.beginTurn(TIMES);
                try (Session session = Probes.open(shell, places, "little")) {
                    Probes.assertRestored(session);
                }
                shell.endTurn();
            }
            assertThat(counted(shell, places)).isEqualTo(counted);
        }
    }

    /** Entries of functions whose first byte is this. */
    private static List<String> beginning(int first) {
        try (ElfFile elf = ElfFile.open(PROGRAM)) {
            return elf.functionBounds().all().stream()
                    .filter(function -> elf.bytesAt(function.start(), 1)[0] == (byte) first)
                    .map(function -> "uprobe:" + function.start())
                    .toList();
        }
    }

    /** Entries of functions all over the file. */
    private static List<String> places() {
        try (ElfFile elf = ElfFile.open(PROGRAM)) {
            List<String> all = elf.functionBounds().all().stream()
                    .map(function -> "uprobe:" + function.start())
                    .toList();
            List<String> places = new ArrayList<>();
            for (int i = 0; i < PLACES; i++) {
                places.add(all.get(i * all.size() / PLACES));
            }
            return places;
        }
    }

    private static List<Long> counted(Tracee shell, List<String> places) throws IOException {
        try (Session session = Probes.open(shell, places, "little")) {
            run(shell);
            List<Long> counts = new ArrayList<>();
            for (int place = 0; place < places.size(); place++) {
                counts.add(Probes.count(session, place));
            }
            assertThat(session.skipped()).isEmpty();
            Probes.assertRestored(session);
            return counts;
        }
    }

    /** Until it waits for the next line: it does something behind its answer, too. */
    private static void run(Tracee shell) throws IOException {
        shell.run(TIMES);
        Path call = Path.of("/proc/" + shell.pid() + "/syscall");
        while (!Files.readString(call).startsWith(POLL)) {
            Thread.onSpinWait();
        }
    }

    private static List<Long> countedByKernel(Tracee shell, List<String> places) throws IOException {
        KernelSession.Opening opening = KernelSession.open(Probes.request(shell, places, "little"), Map.of());
        assertThat(opening).isInstanceOf(KernelSession.Opening.Opened.class);
        try (KernelSession session = ((KernelSession.Opening.Opened) opening).session()) {
            run(shell);
            List<Long> counts = new ArrayList<>();
            for (int place = 0; place < places.size(); place++) {
                byte[] key = bytes(Integer.BYTES).putInt(place).array();
                byte[] value = session.maps().get("counts").lookup(key).orElseThrow();
                counts.add(ByteBuffer.wrap(value).order(ByteOrder.nativeOrder()).getLong());
            }
            return counts;
        }
    }

    private static ByteBuffer bytes(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
    }
}
