package graft.tests.agent;

import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.MapOfMaps;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** A process that runs the agent ({@code agent-host.c}): each command gets one line as its answer. */
final class AgentHost implements AutoCloseable {
    private static final Path AGENT = Path.of("../preload-shim/src/main/c/agent");
    private static final Path HOST = Path.of("src/test/c");
    private static final Path LAYOUTS = Path.of("../preload-shim/target/agent");

    private final Process process;
    private final BufferedWriter commands;
    private final BufferedReader answers;

    private AgentHost(Process process) {
        this.process = process;
        this.commands = process.outputWriter();
        this.answers = process.inputReader();
    }

    /** Compiles the program into {@code folder}. */
    static Path compile(Path folder) throws IOException, InterruptedException {
        Path program = folder.resolve("agent-host");
        List<String> command = new ArrayList<>(
                List.of("gcc", "-std=gnu11", "-O2", "-mno-red-zone", "-mrdpid", "-pthread", "-DGRAFT_HOSTED_TEST"));
        command.addAll(List.of("-Wall", "-Wextra", "-Werror", "-I" + LAYOUTS, "-I" + AGENT));
        command.addAll(List.of("-o", program.toString()));
        try (Stream<Path> agent = Files.list(AGENT);
                Stream<Path> host = Files.list(HOST)) {
            Stream<Path> hosted =
                    host.filter(file -> file.getFileName().toString().startsWith("agent-"));
            Stream.concat(agent, hosted)
                    .map(Path::toString)
                    .filter(name -> name.endsWith(".c"))
                    .forEach(command::add);
        }
        Process compiler = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(compiler.getInputStream().readAllBytes());
        if (compiler.waitFor() != 0) {
            throw new IOException(output);
        }
        return program;
    }

    static AgentHost start(Path program) throws IOException {
        return new AgentHost(new ProcessBuilder(program.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start());
    }

    int pid() {
        return Math.toIntExact(process.pid());
    }

    String ask(String command) {
        try {
            commands.write(command);
            commands.newLine();
            commands.flush();
            String answer = answers.readLine();
            if (answer == null) {
                throw new IOException("the agent's program ended");
            }
            return answer;
        } catch (IOException e) {
            throw new UncheckedIOException("asking the agent's program: " + command, e);
        }
    }

    long number(String command) {
        return Long.parseLong(ask(command));
    }

    /** The path of a map's descriptor, for other processes. */
    static String pathOf(BpfMap map) {
        return "/proc/" + ProcessHandle.current().pid() + "/fd/" + map.fd().number();
    }

    /** What opens a map of maps. */
    static String holder(MapOfMaps map) {
        return "holder %s %d %s"
                .formatted(
                        pathOf(map),
                        map.pieces().getFirst().length(),
                        HexFormat.of().formatHex(map.describe(0)));
    }

    /** Ends it as it stands, as a crash would. */
    void kill() {
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        kill();
    }
}
