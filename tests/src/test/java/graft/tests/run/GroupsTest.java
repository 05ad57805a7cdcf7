package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import graft.attach.Attacher;
import graft.daemon.KernelSession;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.KeyedMap;
import graft.platform.linux.NativeFd;
import graft.platform.linux.Unistd;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import graft.tests.command.Sessions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * In which control groups programs know processes and threads to be: in those that the kernel says for the same object at the same
 * calls. After a move graft may say for a moment where the process was.
 */
@Tag("slow")
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GroupsTest {
    private static final int CALLS = 4096;
    private static final int HELPER = 16; // hexadecimal digits of what one says

    @TempDir
    private Path folder;

    @Test
    void ofAProcessThatIsMovedBetweenNestedGroups() throws IOException {
        try (GroupFolder groups = GroupFolder.make();
                AskedProgram program = AskedProgram.start(compiled())) {
            Path inner = groups.group("a/b/c/d");
            Path other = groups.group("other");
            GroupFolder.move(program.pid(), inner);
            try (Both both = new Both(program, ForkedChildren.LEFT)) {
                both.fill(List.of(
                        groups.group("a"),
                        inner.getParent(),
                        inner,
                        other,
                        groups.group(),
                        groups.top(),
                        other,
                        inner));
                assertThat(both.answered("threads")).hasSizeGreaterThan(3);
                for (Path next : List.of(other, groups.top(), inner, groups.group("a/b"), inner)) {
                    GroupFolder.move(program.pid(), next);
                    both.awaitSame("call");
                    both.answered("threads");
                }
                both.fill(List.of(other)); // what filters let through
                both.answered("threads");
            }
        }
    }

    /** They are not seen before they ask, and may have been elsewhere by then. */
    @Test
    void ofChildren() throws IOException {
        try (GroupFolder groups = GroupFolder.make();
                AskedProgram program = AskedProgram.start(compiled())) {
            Path inner = groups.group("a/b");
            Path other = groups.group("other/one");
            GroupFolder.move(program.pid(), inner);
            try (Both both = new Both(program, ForkedChildren.FOLLOWED)) {
                both.fill(Collections.nCopies(8, other.getParent()));
                both.answered("threads");
                assertThat(both.answered("children " + other)).hasSizeGreaterThan(10);
                both.answered("into " + other);
                GroupFolder.move(program.pid(), groups.group());
                both.awaitSame("call");
                both.answered("children " + other);
            }
        }
    }

    @Test
    void ofThreadsThatAreInGroupsOfTheirOwn() throws IOException {
        try (GroupFolder groups = GroupFolder.make();
                AskedProgram program = AskedProgram.start(compiled())) {
            Path outer = groups.group("a");
            Path inner = groups.group("a/threads");
            Files.writeString(inner.resolve("cgroup.type"), "threaded");
            Path second = groups.group("a/more");
            Files.writeString(second.resolve("cgroup.type"), "threaded");
            GroupFolder.move(program.pid(), outer);
            String thread = program.answer("stand");
            GroupFolder.moveThread(thread, inner);
            try (Both both = new Both(program, ForkedChildren.LEFT)) {
                both.fill(Collections.nCopies(8, inner));
                both.answered("both");
                GroupFolder.moveThread(thread, second);
                both.awaitSame("both");
                GroupFolder.moveThread(program.pid(), inner);
                both.awaitSame("both");
                both.answered("both");
            }
        }
    }

    /** Of its own cgroup namespace it knows no more than the kernel does. */
    @Test
    void ofAProcessInACgroupNamespace() throws IOException {
        try (GroupFolder groups = GroupFolder.make();
                AskedProgram program = AskedProgram.startUnshared(compiled(), "--cgroup")) {
            Path inner = groups.group("a/b");
            GroupFolder.move(program.pid(), inner);
            try (Both both = new Both(program, ForkedChildren.LEFT)) {
                both.fill(Collections.nCopies(8, inner));
                both.answered("threads");
                GroupFolder.move(program.pid(), groups.group());
                both.awaitSame("call");
            }
        }
    }

    /** Of the older hierarchy for packets, in which each thread is for itself. */
    @Test
    void ofClassesOfPackets() throws IOException {
        Path older = Files.createDirectory(folder.resolve("net_cls"));
        assumeThat(done("mount", "-t", "cgroup", "-o", "net_cls", "none", older.toString()))
                .as("net_cls can be mounted")
                .isTrue();
        try (AskedProgram program = AskedProgram.start(compiled())) {
            Path group = Files.createDirectory(older.resolve("graft-test"));
            try {
                Files.writeString(group.resolve("net_cls.classid"), "0x100001");
                String thread = program.answer("stand");
                Files.writeString(group.resolve("tasks"), thread);
                try (Both both = new Both(program, ForkedChildren.LEFT)) {
                    both.answered("both");
                    Files.writeString(older.resolve("tasks"), thread);
                    both.awaitSame("both");
                    Files.writeString(group.resolve("cgroup.procs"), program.pid());
                    both.awaitSame("both");
                    Files.writeString(group.resolve("net_cls.classid"), "0x100002");
                    both.awaitSame("both");
                }
            } finally {
                Files.writeString(older.resolve("cgroup.procs"), program.pid());
                Files.delete(group);
            }
        } finally {
            assertThat(done("umount", older.toString())).isTrue();
        }
    }

    private static boolean done(String... command) throws IOException {
        return new ProcessBuilder(command).inheritIO().start().onExit().join().exitValue() == 0;
    }

    private Path compiled() {
        return AskedProgram.compile(folder, "groups", "-pthread");
    }

    /** A program that is asked in the process and in the kernel. */
    private final class Both implements AutoCloseable {
        private final AskedProgram program;
        private final Session session;
        private final KernelSession kernel;
        private int calls;

        Both(AskedProgram program, ForkedChildren children) throws IOException {
            this.program = program;
            Path object = Path.of(AskedProgram.object(folder, "groups"));
            SessionRequest here = Sessions.request(object, List.of(Integer.parseInt(program.pid())))
                    .with(children);
            this.session = Sessions.open(here, new Attacher());
            KernelSession.Opening opening = KernelSession.open(Sessions.request(object, List.of()), Map.of());
            assertThat(opening).isInstanceOf(KernelSession.Opening.Opened.class);
            this.kernel = ((KernelSession.Opening.Opened) opening).session();
        }

        /** Puts groups into both arrays, from index 0 on. */
        void fill(List<Path> groups) {
            KeyedMap ours = (KeyedMap) session.collection().map("cgroup_map").orElseThrow();
            for (int index = 0; index < groups.size(); index++) {
                try (NativeFd fd = Unistd.openPath(groups.get(index).toString())) {
                    assertThat(ours.update(bytes(index), bytes(fd.number()), KeyedMap.ANY))
                            .isZero();
                    kernel.maps().get("cgroup_map").update(bytes(index), bytes(fd.number()), KeyedMap.ANY);
                }
            }
        }

        /** Both say the same of the calls that a line makes. */
        List<String> answered(String line) {
            Rows rows = asked(line);
            assertThat(rows.here()).isEqualTo(rows.there());
            return rows.here();
        }

        /**
         * After a move, which the kernel knows at once: what each helper says is of where the thread was before or is now, until all
         * is of now.
         */
        void awaitSame(String line) {
            Rows first = asked(line);
            for (Rows last = first; !last.here().equals(last.there()); last = asked(line)) {
                assertThat(last.there()).isEqualTo(first.there());
                for (int row = 0; row < last.here().size(); row++) {
                    String here = last.here().get(row);
                    for (int at = 0; at < here.length(); at += HELPER) {
                        assertThat(here.substring(at, at + HELPER))
                                .as("%s at %d", here, at)
                                .isIn(
                                        first.here().get(row).substring(at, at + HELPER),
                                        last.there().get(row).substring(at, at + HELPER));
                    }
                }
            }
        }

        private Rows asked(String line) {
            int first = calls;
            calls = Integer.parseInt(program.answer(line));
            List<String> here = new ArrayList<>();
            List<String> there = new ArrayList<>();
            KeyedMap ours = (KeyedMap) session.collection().map("WHERE").orElseThrow();
            for (int call = first; call < calls; call++) {
                byte[] key = bytes(call % CALLS);
                here.add(HexFormat.of().formatHex(ours.lookup(key).orElseThrow()));
                there.add(HexFormat.of()
                        .formatHex(kernel.maps().get("WHERE").lookup(key).orElseThrow()));
            }
            assertThat(there).isNotEmpty().noneMatch(row -> row.startsWith("0".repeat(HELPER)));
            return new Rows(here, there);
        }

        private static byte[] bytes(int value) {
            return ByteBuffer.allocate(Integer.BYTES)
                    .order(ByteOrder.nativeOrder())
                    .putInt(value)
                    .array();
        }

        @Override
        public void close() {
            kernel.close();
            session.close();
        }
    }

    private record Rows(List<String> here, List<String> there) {}
}
