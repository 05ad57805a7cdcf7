package graft.uprobe;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** Levenshtein distance, to suggest the name that was meant. */
final class EditDistance {
    private static final int NEAR = 4;

    private EditDistance() {}

    /** The few names that could have been meant, the nearest first. */
    static List<String> nearest(Stream<String> names, String asked) {
        return names.distinct()
                .filter(name -> resemble(name, asked))
                .sorted(Comparator.comparingInt((String name) -> between(name, asked))
                        .thenComparing(Comparator.naturalOrder()))
                .limit(NEAR)
                .toList();
    }

    /** Whether one could be a typing error of the other. */
    static boolean resemble(String name, String asked) {
        int longest = Math.max(name.length(), asked.length());
        if (Math.abs(name.length() - asked.length()) * 3 > longest) {
            return name.toLowerCase(Locale.ROOT).contains(asked.toLowerCase(Locale.ROOT));
        }
        return between(name, asked) * 3 <= longest;
    }

    /** Insertions, deletions, replacements and swaps of neighbours that turn {@code a} into {@code b}. */
    static int between(String a, String b) {
        int[][] edits = new int[a.length() + 1][b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            edits[0][j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            edits[i][0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = edits[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                edits[i][j] = Math.min(replaced, 1 + Math.min(edits[i - 1][j], edits[i][j - 1]));
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    edits[i][j] = Math.min(edits[i][j], edits[i - 2][j - 2] + 1);
                }
            }
        }
        return edits[a.length()][b.length()];
    }
}
