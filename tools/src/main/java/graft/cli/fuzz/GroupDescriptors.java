package graft.cli.fuzz;

import graft.platform.linux.NativeFd;
import graft.platform.linux.Unistd;
import graft.platform.proc.ControlGroups;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** Descriptors to put into arrays of control groups: of groups, of one that is removed, of what is no group, and none. */
final class GroupDescriptors implements AutoCloseable {
    private static final int NOBODYS = 1 << 20;

    private final List<NativeFd> open = new ArrayList<>();
    private final List<Integer> numbers = new ArrayList<>(List.of(-1, NOBODYS));

    GroupDescriptors() {
        open(Path.of("/"));
        open(Path.of("/proc/self/status"));
        Optional<Path> top = ControlGroups.ofThisMachine().top();
        if (top.isPresent()) {
            open(top.get().resolve("cgroup.procs"));
            for (int again = 0; again < 5; again++) { // most that are put in should be groups
                open(top.get());
            }
            openRemoved(top.get());
        }
        Path older = Path.of("/sys/fs/cgroup/memory");
        if (Files.isDirectory(older)) {
            open(older);
        }
    }

    private void open(Path path) {
        NativeFd fd = Unistd.openPath(path.toString());
        open.add(fd);
        numbers.add(fd.number());
    }

    private void openRemoved(Path top) {
        try {
            Path group = Files.createTempDirectory(top, "graft-fuzz");
            open(group);
            Files.delete(group);
        } catch (IOException notAllowed) {
            // groups cannot be made here
        }
    }

    /** One of them, as a value. */
    byte[] any(Random random) {
        return ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.nativeOrder())
                .putInt(numbers.get(random.nextInt(numbers.size())))
                .array();
    }

    @Override
    public void close() {
        open.forEach(NativeFd::close);
    }
}
