package graft.daemon.control;

import graft.attach.RuntimeFolder;
import graft.platform.proc.ProcessStatus;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The sessions that run now.
 *
 * @param sessions those that answered, by process
 * @param silent processes that have one but do not answer: they are stopped
 */
public record RunningSessions(List<RemoteSession> sessions, List<Integer> silent) {
    /** Of each user that has logged in, where that is the fashion. */
    private static final Path USERS = Path.of("/run/user");

    private static final Pattern NAME = Pattern.compile("([0-9]{1,9})-[0-9a-f]+" + Pattern.quote(SessionServer.SUFFIX));

    public RunningSessions {
        sessions = List.copyOf(sessions);
        silent = List.copyOf(silent);
    }

    /**
     * Those of this user; for root, of all users that keep theirs in {@code /run/user}. What a killed process has left is
     * removed.
     */
    public static RunningSessions find() {
        List<RemoteSession> sessions = new ArrayList<>();
        List<Integer> silent = new ArrayList<>();
        DeadSockets.remove(RuntimeFolder.path());
        for (Path folder : folders()) {
            for (Path socket : sockets(folder)) {
                try {
                    sessions.add(RemoteSession.at(socket));
                } catch (ConnectException _) {
                    if (folder.equals(RuntimeFolder.path())) {
                        forget(socket); // the kernel closed it when its process ended; other users' folders are theirs
                    }
                } catch (NoSuchFileException _) {
                    // It ended between the two looks.
                } catch (IOException _) {
                    if (Files.exists(socket)) {
                        owner(socket).ifPresent(silent::add);
                    }
                }
            }
        }
        return new RunningSessions(sessions, silent);
    }

    private static List<Path> folders() {
        List<Path> folders = new ArrayList<>(List.of(RuntimeFolder.path()));
        if (ProcessStatus.own().effectiveUid() == 0 && Files.isDirectory(USERS)) {
            try (Stream<Path> users = Files.list(USERS)) {
                users.map(user -> user.resolve("graft")).sorted().forEach(folders::add);
            } catch (IOException e) {
                throw new UncheckedIOException("reading " + USERS, e);
            }
        }
        return folders;
    }

    private static List<Path> sockets(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.getFileName().toString().endsWith(SessionServer.SUFFIX))
                    .sorted()
                    .toList();
        } catch (NoSuchFileException _) {
            return List.of();
        } catch (IOException e) {
            if (!folder.equals(RuntimeFolder.path())) {
                return List.of(); // other users do there what they like
            }
            throw new UncheckedIOException("reading " + folder, e);
        }
    }

    /** What is no session's socket has no owner, whatever it is called. */
    private static Optional<Integer> owner(Path socket) {
        Matcher name = NAME.matcher(socket.getFileName().toString());
        return name.matches() ? Optional.of(Integer.parseInt(name.group(1))) : Optional.empty();
    }

    private static void forget(Path socket) {
        try {
            Files.deleteIfExists(socket);
        } catch (IOException e) {
            throw new UncheckedIOException("removing " + socket, e);
        }
    }
}
