package graft.shim;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** The native files of this module, built by its Makefile step and carried in its jar. */
public enum ShimResource {
    /** The freestanding agent: an ELF shared object whose text is copied into a target's code pool. */
    AGENT("graft-agent.so"),
    /** The LD_PRELOAD library that asks the daemon to attach before {@code main}. */
    PRELOAD("graft-preload.so"),
    /** The routine that runs in the daemon while a target is stopped: an ELF shared object whose text is called. */
    TRACER("graft-tracer.so");

    private final String file;

    ShimResource(String file) {
        this.file = file;
    }

    /** The whole file. */
    public byte[] bytes() {
        try (InputStream in = ShimResource.class.getResourceAsStream(file)) {
            if (in == null) {
                throw new AssertionError("resource " + file + " is missing from the build");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException("reading resource " + file, e);
        }
    }
}
