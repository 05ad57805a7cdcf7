package graft.cli.option;

import picocli.CommandLine.Option;

/** {@code --output}. */
public sealed class OutputOptions extends HelpOptions permits TargetOptions {
    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORMAT",
            description = "text, json or jsonl")
    private OutputFormat format = OutputFormat.text;

    /** For picocli. */
    public OutputOptions() {}

    /** The form of the data. */
    public OutputFormat format() {
        return format;
    }
}
