package graft.attach;

import graft.platform.linux.ProcMem;
import graft.platform.linux.SysException;
import graft.platform.proc.ProcessStat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Undoes what a dead daemon left behind. Looks at what is there, so that it may be repeated or be killed itself. */
public final class Recovery {
    private Recovery() {}

    /** What became of one journal. */
    public sealed interface Outcome {
        /** The journal's file. */
        Path journal();

        /** The target is as its files say again; the journal is deleted. */
        record Restored(Path journal, int pid, int sites) implements Outcome {}

        /** The target has ended; the journal is deleted. */
        record ProcessGone(Path journal, int pid) implements Outcome {}

        /** The daemon that wrote it lives; left alone. */
        record InUse(Path journal, long daemonPid) implements Outcome {}

        /** It was never completed, so nothing was ever changed; the journal is deleted. */
        record Torn(Path journal, String reason) implements Outcome {}

        /** It could not be undone, or not wholly; the journal stays. */
        record Failed(Path journal, String reason) implements Outcome {}
    }

    /** Recovers from the journals of the default directory. */
    public static List<Outcome> recover() {
        return recover(Journal.defaultDirectory());
    }

    /** Recovers from every journal in {@code directory}. What was left in place on purpose stays. */
    public static List<Outcome> recover(Path directory) {
        of(directory, Journal.UNFINISHED_SUFFIX).forEach(Recovery::forgetUnfinished);
        return of(directory, Journal.SUFFIX).stream()
                .flatMap(Recovery::recoverIfThere)
                .toList();
    }

    /** Takes back what was left in these processes on purpose ({@link Attachment#keep}); no process: in all. */
    public static List<Outcome> undoKept(List<Integer> pids) {
        return undoKept(Journal.defaultDirectory(), pids);
    }

    /** The same by the journals of another directory. */
    public static List<Outcome> undoKept(Path directory, List<Integer> pids) {
        return of(directory, Journal.KEPT_SUFFIX).stream()
                .filter(file -> pids.isEmpty()
                        || pids.stream()
                                .anyMatch(pid -> file.getFileName().toString().startsWith(pid + "-")))
                .flatMap(Recovery::recoverIfThere)
                .toList();
    }

    /** Whoever was killed while it wrote a journal has changed nothing. */
    private static void forgetUnfinished(Path file) {
        String writer = file.getFileName().toString().replaceFirst("-.*", "");
        if (writer.matches("[0-9]{1,18}")
                && ProcessHandle.of(Long.parseLong(writer)).isEmpty()) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException failed) {
                throw new UncheckedIOException("deleting " + file, failed);
            }
        }
    }

    private static List<Path> of(Path directory, String suffix) {
        if (Files.isDirectory(directory)) {
            try (Stream<Path> files = Files.list(directory)) {
                return files.filter(file -> file.toString().endsWith(suffix))
                        .sorted()
                        .toList();
            } catch (IOException failed) {
                throw new UncheckedIOException("listing " + directory, failed);
            }
        }
        return List.of();
    }

    /** Nothing when its session has ended since the journals were listed. */
    private static Stream<Outcome> recoverIfThere(Path file) {
        try {
            return Stream.of(recoverOne(file, Files.readString(file)));
        } catch (NoSuchFileException _) {
            return Stream.empty();
        } catch (IOException failed) {
            return Stream.of(new Outcome.Failed(file, failed.getMessage()));
        }
    }

    private static Outcome recoverOne(Path file, String text) {
        try {
            Journal journal = new Journal(file, UndoRecord.parse(text));
            UndoRecord undo = journal.undo();
            boolean kept = file.toString().endsWith(Journal.KEPT_SUFFIX);
            if (!kept && lives((int) undo.daemonPid(), undo.daemonStart(), undo.bootId())) {
                return new Outcome.InUse(file, undo.daemonPid());
            }
            boolean patched = lives(undo.pid(), undo.startTime(), undo.bootId())
                    && undo.execution().isCurrent(undo.pid());
            if (!patched) {
                return gone(journal);
            }
            return undo(journal);
        } catch (DamagedJournalException damaged) {
            return switch (damaged.unusable().damage()) {
                case CORRUPT -> new Outcome.Failed(file, damaged.getMessage());
                case TORN -> {
                    new Journal(file, null).delete();
                    yield new Outcome.Torn(file, damaged.getMessage());
                }
            };
        } catch (SysException | DeadlineException failed) {
            return new Outcome.Failed(file, failed.getMessage());
        }
    }

    private static Outcome undo(Journal journal) {
        UndoRecord undo = journal.undo();
        if (!(TargetInspection.inspect(undo.pid()) instanceof TargetInspection.Attachable(var facts))) {
            return new Outcome.Failed(
                    journal.file(), TargetInspection.inspect(undo.pid()).toString());
        }
        try (ProcMem memory = ProcMem.open(undo.pid())) {
            Turn.await(undo.pid(), memory);
            Target target = new Target(undo.pid(), memory, StepListener.NONE);
            Undo.Report report = Undo.perform(target, undo, Attacher.options(facts));
            if (report.restored() != undo.sites().size()
                    || !report.quarantined().isEmpty()) {
                return new Outcome.Failed(journal.file(), report.toString());
            }
            Heirs.Report heirs = Heirs.restore(undo, StepListener.NONE);
            if (!heirs.failures().isEmpty()) {
                return new Outcome.Failed(journal.file(), String.join("; ", heirs.failures()));
            }
            journal.delete();
            return new Outcome.Restored(journal.file(), undo.pid(), report.restored());
        } catch (TraceeGoneException gone) {
            return gone(journal);
        }
    }

    private static Outcome gone(Journal journal) {
        Heirs.Report heirs = Heirs.restore(journal.undo(), StepListener.NONE);
        if (!heirs.failures().isEmpty()) {
            return new Outcome.Failed(journal.file(), String.join("; ", heirs.failures()));
        }
        journal.delete();
        return new Outcome.ProcessGone(journal.file(), journal.undo().pid());
    }

    private static boolean lives(int pid, long startTime, String bootId) {
        return bootId.equals(Evidence.bootId())
                && ProcessStat.find(pid)
                        .filter(stat -> stat.startTime() == startTime)
                        .filter(stat -> !stat.processEnded())
                        .isPresent();
    }
}
