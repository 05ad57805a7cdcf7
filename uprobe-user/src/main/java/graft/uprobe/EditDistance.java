package graft.uprobe;

import java.util.Locale;

/** Levenshtein distance, to suggest the name that was meant. */
final class EditDistance {
    private EditDistance() {}

    /** Whether one could be a typing error of the other. */
    static boolean resemble(String name, String asked) {
        int longest = Math.max(name.length(), asked.length());
        if (Math.abs(name.length() - asked.length()) * 3 > longest) {
            return name.toLowerCase(Locale.ROOT).contains(asked.toLowerCase(Locale.ROOT));
        }
        return between(name, asked) * 3 <= longest;
    }

    /** Insertions, deletions and replacements that turn {@code a} into {@code b}. */
    static int between(String a, String b) {
        int[] previous = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int[] current = new int[b.length() + 1];
            current[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                current[j] = Math.min(replaced, 1 + Math.min(previous[j], current[j - 1]));
            }
            previous = current;
        }
        return previous[b.length()];
    }
}
