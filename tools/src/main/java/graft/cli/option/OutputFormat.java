package graft.cli.option;

/** Values of {@code -o}. Lower case because they are what users type. */
public enum OutputFormat {
    text,
    json,
    jsonl
}
