package graft.cli;

import graft.cli.error.Problem;
import graft.daemon.NativeFunction;
import graft.daemon.PatchRequest;
import graft.daemon.SessionRefusal;
import graft.platform.address.RemoteAddress;
import graft.platform.keystone.Assembly;
import graft.platform.keystone.KeystoneEngine;
import graft.rewriter.Code;
import graft.uprobe.Probe;
import graft.uprobe.Resolution;
import graft.uprobe.SymbolResolver;
import graft.uprobe.TargetModules;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The new code of a patch, one of three. */
final class PatchSource {
    @Option(names = "--bytes", paramLabel = "HEX", description = "instructions made for the place")
    private Optional<String> bytes = Optional.empty();

    @Option(names = "--asm", paramLabel = "TEXT", description = "the same as Intel syntax, separated by ;")
    private Optional<String> text = Optional.empty();

    @Option(
            names = "--object",
            paramLabel = "FILE[:FUNCTION]",
            description = "a function compiled by gcc -O2 -c, in place of the one at the place")
    private Optional<String> object = Optional.empty();

    /** For picocli. */
    PatchSource() {}

    PatchRequest.Change change(int pid, Probe place) {
        if (object.isPresent()) {
            return new PatchRequest.Change.Function(function(object.get()));
        }
        return new PatchRequest.Change.Instructions(
                bytes.isPresent() ? code(bytes.get()) : assembled(text.orElseThrow(), address(pid, place)));
    }

    static Code code(String hex) {
        try {
            Code code = Code.ofHex(hex);
            if (code.length() > 0) {
                return code;
            }
        } catch (IllegalArgumentException _) {
            // The same message.
        }
        throw Problem.of("U001", "graft patch: " + hex + " is not code")
                .because("bytes are pairs of hexadecimal digits: 90 c3")
                .failure();
    }

    private static NativeFunction function(String object) {
        int colon = object.lastIndexOf(':');
        Path file = Path.of(colon < 0 ? object : object.substring(0, colon));
        return switch (NativeFunction.read(
                file, colon < 0 ? Optional.empty() : Optional.of(object.substring(colon + 1)))) {
            case NativeFunction.Reading.Read(var function) -> function;
            case NativeFunction.Reading.Refused(var why, var suggestion) ->
                throw Problem.of("L012", "cannot use " + object)
                        .because(why)
                        .remedy(suggestion)
                        .failure();
        };
    }

    private static RemoteAddress address(int pid, Probe place) {
        try (TargetModules modules = VisibleModules.of(pid)) {
            Resolution resolution = new SymbolResolver(modules).resolve(place);
            if (resolution instanceof Resolution.Found(var points)) {
                return points.getFirst().address();
            }
            throw SessionProblems.of(new SessionRefusal.ProbeNotFound(pid, resolution))
                    .failure();
        }
    }

    private static Code assembled(String text, RemoteAddress at) {
        return switch (KeystoneEngine.open()) {
            case KeystoneEngine.Missing(String why, String whatToTry) ->
                throw Problem.of("D007", "cannot assemble")
                        .because(why)
                        .remedy(whatToTry)
                        .failure();
            case KeystoneEngine.Available(KeystoneEngine engine) -> {
                try (engine) {
                    yield switch (engine.assemble(text, at)) {
                        case Assembly.Rejected(String statement, String why) ->
                            throw Problem.of("U004", "cannot assemble: " + statement)
                                    .because(why)
                                    .failure();
                        case Assembly.Assembled(byte[] code) -> Code.of(code);
                    };
                }
            }
        };
    }
}
