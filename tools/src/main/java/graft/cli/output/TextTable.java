package graft.cli.output;

import java.util.ArrayList;
import java.util.List;

/** Rows under one header, each column as wide as its widest cell; nothing is cut. */
public final class TextTable {
    private final List<Column> columns;
    private final List<List<String>> rows = new ArrayList<>();

    private TextTable(List<Column> columns) {
        this.columns = columns;
    }

    /** A column. */
    public record Column(String title, Align align) {}

    /** On which side the cells of a column begin. Numbers are aligned right. */
    public enum Align {
        LEFT,
        RIGHT
    }

    /** A column of words. */
    public static Column words(String title) {
        return new Column(title, Align.LEFT);
    }

    /** A column of numbers. */
    public static Column numbers(String title) {
        return new Column(title, Align.RIGHT);
    }

    /** A table without rows. */
    public static TextTable of(Column... columns) {
        return new TextTable(List.of(columns));
    }

    /** Adds a row with one cell for each column. */
    public TextTable row(String... cells) {
        if (cells.length != columns.size()) {
            throw new IllegalArgumentException(cells.length + " cells for " + columns.size() + " columns");
        }
        rows.add(List.of(cells));
        return this;
    }

    /** The header and the rows. */
    public List<String> lines() {
        List<List<String>> all = cells();
        int[] widths = new int[columns.size()];
        for (List<String> row : all) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        return all.stream().map(row -> line(row, widths)).toList();
    }

    /** The titles, then the rows. */
    public List<List<String>> cells() {
        List<List<String>> all = new ArrayList<>();
        all.add(columns.stream().map(Column::title).toList());
        all.addAll(rows);
        return all;
    }

    /** What Markdown wants between the titles and the rows. */
    public List<String> markdownRule() {
        return columns.stream()
                .map(column -> switch (column.align()) {
                    case LEFT -> "---";
                    case RIGHT -> "---:";
                })
                .toList();
    }

    private String line(List<String> row, int[] widths) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            String blanks = " ".repeat(widths[i] - row.get(i).length());
            line.append(i == 0 ? "" : "  ");
            line.append(
                    switch (columns.get(i).align()) {
                        case LEFT -> row.get(i) + blanks;
                        case RIGHT -> blanks + row.get(i);
                    });
        }
        return line.toString().stripTrailing();
    }
}
