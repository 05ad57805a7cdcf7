package graft.quality;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What {@link FastStartTest} has rewritten: switches over types and records of all kinds. */
public final class FastStartSample {
    private FastStartSample() {}

    /** What can be written down. */
    sealed interface Shape {
        default String kind() {
            return switch (this) {
                case Nothing _ -> "nothing";
                case Dot _ -> "dot";
                case All _ -> "all";
            };
        }
    }

    record Nothing() implements Shape {}

    record Dot(int x, int y) implements Shape {}

    record All(
            boolean flag,
            byte tiny,
            char letter,
            short little,
            int number,
            long big,
            float half,
            double whole,
            String text,
            int[] list)
            implements Shape {}

    /** Of everything that is to be compared, in an order. */
    public static List<String> results() {
        int[] list = {1};
        List<Shape> shapes = new ArrayList<>(List.of(new Nothing(), new Dot(1, 2), new Dot(-1, 2), new Dot(1, 3)));
        for (float half : new float[] {0, -0f, Float.NaN}) {
            for (String text : new String[] {null, "text"}) {
                shapes.add(new All(true, (byte) -1, 'x', (short) 7, 1, 1L << 40, half, -half, text, list));
                shapes.add(new All(false, (byte) -1, 'x', (short) 7, 1, 1L << 40, half, -half, text, list));
            }
        }
        List<String> results = new ArrayList<>();
        for (Shape shape : shapes) {
            results.add(shape.kind() + " " + guarded(shape) + " " + deep(shape) + " " + shape.equals("text"));
            for (Shape other : shapes) {
                results.add(shape.equals(other) + " " + (shape.hashCode() == other.hashCode() || !shape.equals(other)));
            }
        }
        Set<Shape> set = new HashSet<>(shapes);
        results.add(set.size() + " " + set.contains(new Dot(1, 3)) + " " + set.contains(new Dot(3, 1)));
        results.add(guarded(null) + guarded("text") + guarded(1));
        return results;
    }

    private static String guarded(Object value) {
        return switch (value) {
            case null -> "null";
            case Dot dot when dot.x() < 0 -> "left";
            case Dot dot when dot.y() > 2 -> "high";
            case Dot _ -> "dot";
            case Shape _ -> "shape";
            case String text -> text;
            default -> "other";
        };
    }

    private static int deep(Shape shape) {
        return switch (shape) {
            case Dot(int x, int y) when x == y -> 0;
            case Dot(int x, int y) -> x - y;
            case All(var flag, var _, var _, var _, int number, var _, var _, var _, var text, var _) ->
                flag ? number : text == null ? -1 : text.length();
            case Nothing() -> 1;
        };
    }
}
