package graft.platform.capstone;

import java.util.ArrayList;
import java.util.List;

/**
 * Where a libcapstone may be. Run-time packages install only the numbered name, not {@code libcapstone.so}; the newer
 * version comes first because it knows more instructions.
 */
final class LibraryNames {
    private static final List<String> NAMES = List.of("libcapstone.so.5", "libcapstone.so.4");
    private static final List<String> DIRECTORIES = List.of(
            "/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64", "/lib64", "/usr/lib");

    private LibraryNames() {}

    /** For each name first what the dynamic linker finds by itself, then the usual directories. */
    static List<String> candidates() {
        List<String> candidates = new ArrayList<>();
        for (String name : NAMES) {
            candidates.add(name);
            for (String directory : DIRECTORIES) {
                candidates.add(directory + "/" + name);
            }
        }
        return candidates;
    }
}
