package graft.cli;

import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.Model.CommandSpec;

/** Finds the option that a mistyped one was meant to be. */
final class NearestOption {
    private static final int FARTHEST = 3;

    private NearestOption() {}

    /** The nearest long option or subcommand to the first unknown word, if one is near. */
    static List<String> to(List<String> unmatched, CommandSpec spec) {
        if (unmatched.isEmpty()) {
            return List.of();
        }
        String typed = unmatched.getFirst().replaceFirst("=.*", "");
        Stream<String> options = spec.options().stream().flatMap(option -> Stream.of(option.names()));
        return Stream.concat(options, spec.subcommands().keySet().stream())
                .filter(name -> name.startsWith("--") == typed.startsWith("--"))
                .filter(name -> distance(name, typed) <= Math.min(FARTHEST, typed.length() / 2))
                .min(Comparator.comparingInt(name -> distance(name, typed)))
                .stream()
                .toList();
    }

    /** Edits (insert, delete, replace) between two words. */
    static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j < row.length; j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j < row.length; j++) {
                int above = row[j];
                int replace = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(replace, 1 + Math.min(above, row[j - 1]));
                diagonal = above;
            }
        }
        return row[b.length()];
    }
}
