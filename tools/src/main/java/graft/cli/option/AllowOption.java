package graft.cli.option;

import graft.cli.error.Problem;
import graft.ebpf.verifier.Permission;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Option;

/** What the user allows programs to do besides looking. */
public final class AllowOption {
    @Option(
            names = "--allow",
            paramLabel = "WHAT",
            split = ",",
            description = "what programs may do besides looking: change, to leave functions with another result and to "
                    + "write registers")
    private List<String> allowed = new ArrayList<>();

    /** For picocli. */
    public AllowOption() {}

    /** What is allowed, or a usage error for a word that means nothing. */
    public Set<Permission> permissions() {
        Set<Permission> permissions = EnumSet.noneOf(Permission.class);
        for (String word : allowed) {
            if (!word.equals("change")) {
                throw Problem.of("U001", "--allow " + word + ": no such permission")
                        .because("the only one is: change")
                        .remedy("--allow change")
                        .failure();
            }
            permissions.add(Permission.CHANGE);
        }
        return permissions;
    }
}
