package graft.cli.load;

import java.util.Arrays;

/** The files that {@link NginxServer} serves. */
public enum Body {
    /** A line of text, readable in a trace. */
    HELLO("hello", "Hello from nginx\n".length()),
    KIB_1("1k", 1 << 10),
    KIB_16("16k", 16 << 10),
    KIB_100("100k", 100 << 10);

    private final String file;
    private final int size;

    Body(String file, int size) {
        this.file = file;
        this.size = size;
    }

    /** Path in the server's URLs, without the slash. */
    public String file() {
        return file;
    }

    /** Bytes of the body. */
    public int size() {
        return size;
    }

    byte[] content() {
        if (this == HELLO) {
            return "Hello from nginx\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        }
        byte[] content = new byte[size];
        Arrays.fill(content, (byte) 'x');
        return content;
    }
}
