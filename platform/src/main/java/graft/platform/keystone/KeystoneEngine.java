package graft.platform.keystone;

import graft.platform.address.RemoteAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Assembles x86-64 text in Intel syntax. Owns its Keystone; for the thread that opened it. */
public final class KeystoneEngine implements AutoCloseable {
    private final Backend backend;
    private boolean open = true;

    /** Whether there is a Keystone to use. */
    public sealed interface Opening {}

    /**
     * There is.
     *
     * @param engine to be closed by the caller
     */
    public record Available(KeystoneEngine engine) implements Opening {}

    /**
     * There is not.
     *
     * @param why what was looked for and what was wrong with it
     * @param whatToTry what makes it available
     */
    public record Missing(String why, String whatToTry) implements Opening {}

    private KeystoneEngine(Backend backend) {
        this.backend = backend;
    }

    /** An installed libkeystone with x86, else the fetched WebAssembly build. */
    public static Opening open() {
        Optional<Backend> installed = NativeBackend.find();
        if (installed.isPresent()) {
            return new Available(new KeystoneEngine(installed.get()));
        }
        return open(FetchedFile.read(FetchedFile.path(System.getenv())));
    }

    static Opening open(FetchedFile.Content content) {
        return switch (content) {
            case FetchedFile.Content.Unusable(String why) -> new Missing(why, "run setup/fetch-keystone");
            case FetchedFile.Content.Checked(byte[] file) -> {
                try {
                    yield new Available(new KeystoneEngine(new WasmBackend(file)));
                } catch (NoClassDefFoundError _) {
                    yield new Missing(
                            "Endive, which runs the WebAssembly build, is not on the module path",
                            "use the graft command of a complete build");
                }
            }
        };
    }

    /** Which Keystone this is, for people. */
    public String description() {
        return backend.description();
    }

    /**
     * Assembles statements, separated by {@code ;} or new lines. Labels live for one call.
     *
     * @param text statements in Intel syntax
     * @param address where the code will be; branches to numbers are relative to it
     */
    public Assembly assemble(String text, RemoteAddress address) {
        List<String> statements = Arrays.stream(text.split("[;\n]"))
                .map(String::strip)
                .filter(statement -> !statement.isEmpty())
                .toList();
        if (statements.isEmpty()) {
            return new Assembly.Rejected(text, "there is no statement");
        }
        return switch (backend.assemble(String.join("\n", statements), address.value())) {
            case Backend.Output.Code(byte[] bytes)
            when bytes.length == 0 -> new Assembly.Rejected(text, "Keystone made no code of it");
            case Backend.Output.Code(byte[] bytes) ->
                BranchCheck.problem(statements, bytes, address)
                        .<Assembly>map(rejected -> rejected)
                        .orElseGet(() -> new Assembly.Assembled(bytes));
            case Backend.Output.Error(String why) -> new Assembly.Rejected(culprit(statements, why, address), why);
        };
    }

    /** The statement with which the text begins to fail in the same way. */
    private String culprit(List<String> statements, String why, RemoteAddress address) {
        for (int count = 1; count < statements.size(); count++) {
            String start = String.join("\n", statements.subList(0, count));
            // A label that comes later is missing in the shorter text: that says nothing about the statement.
            boolean same = !why.contains("SYMBOL_MISSING")
                    && backend.assemble(start, address.value()).equals(new Backend.Output.Error(why));
            if (same) {
                return statements.get(count - 1);
            }
        }
        return why.contains("SYMBOL_MISSING") ? String.join("; ", statements) : statements.getLast();
    }

    /** Gives the engine back. A second time it does nothing. */
    @Override
    public void close() {
        if (open) {
            open = false;
            backend.close();
        }
    }
}
