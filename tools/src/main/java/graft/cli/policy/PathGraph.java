package graft.cli.policy;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;

/** Patterns as one graph with several ways at once; {@link PathAutomaton} makes one way of them. */
final class PathGraph {
    private static final BitSet ANY = PathPattern.allBut(0);

    private final List<Node> nodes = new ArrayList<>();
    private final int start = node();

    private record Edge(BitSet bytes, int to) {}

    private record Node(List<Edge> edges, List<Integer> free, BitSet accepted) {}

    PathGraph(List<PathPattern> patterns) {
        for (int i = 0; i < patterns.size(); i++) {
            add(patterns.get(i), i);
        }
    }

    private int node() {
        nodes.add(new Node(new ArrayList<>(), new ArrayList<>(), new BitSet()));
        return nodes.size() - 1;
    }

    private void add(PathPattern pattern, int number) {
        int at = node();
        nodes.get(start).free().add(at);
        for (PathPattern.Element element : pattern.elements()) {
            at = add(element, at);
        }
        nodes.get(at).accepted().set(number);
        int below = slash(at); // a folder may be named with a slash behind it
        nodes.get(below).accepted().set(number);
        if (pattern.isFolder()) {
            edge(below, ANY, below);
        }
    }

    private int add(PathPattern.Element element, int from) {
        return switch (element) {
            case PathPattern.Element.One(var bytes) -> {
                int next = node();
                edge(from, bytes, next);
                yield next;
            }
            case PathPattern.Element.Slash _ -> slash(from);
            case PathPattern.Element.Many(var bytes) -> {
                int next = node();
                free(from, next);
                edge(next, bytes, next);
                yield next;
            }
            case PathPattern.Element.Folders _ -> {
                int names = node();
                free(from, names);
                edge(names, ANY, names);
                int end = slash(names);
                free(from, end);
                yield end;
            }
        };
    }

    private int slash(int from) {
        int next = node();
        int dot = node();
        edge(from, PathPattern.only('/'), next);
        edge(next, PathPattern.only('/'), next);
        edge(next, PathPattern.only('.'), dot);
        edge(dot, PathPattern.only('/'), next);
        return next;
    }

    private void edge(int from, BitSet bytes, int to) {
        nodes.get(from).edges().add(new Edge(bytes, to));
    }

    private void free(int from, int to) {
        nodes.get(from).free().add(to);
    }

    /** Where a path begins. */
    BitSet beginning() {
        BitSet set = new BitSet();
        set.set(start);
        return closed(set);
    }

    /** Where a byte leads from {@code set}. */
    BitSet after(BitSet set, int b) {
        BitSet next = new BitSet();
        set.stream()
                .mapToObj(node -> nodes.get(node).edges())
                .flatMap(List::stream)
                .filter(edge -> edge.bytes().get(b))
                .forEach(edge -> next.set(edge.to()));
        return closed(next);
    }

    private BitSet closed(BitSet set) {
        Deque<Integer> left = new ArrayDeque<>(set.stream().boxed().toList());
        while (!left.isEmpty()) {
            for (int to : nodes.get(left.pop()).free()) {
                if (!set.get(to)) {
                    set.set(to);
                    left.push(to);
                }
            }
        }
        return set;
    }

    /** The patterns that match a path that ends in {@code set}, as bits. */
    long accepted(BitSet set) {
        BitSet accepted = new BitSet();
        set.stream().forEach(node -> accepted.or(nodes.get(node).accepted()));
        return accepted.isEmpty() ? 0 : accepted.toLongArray()[0];
    }

    /** The different sets of bytes that its edges take. */
    List<BitSet> byteSets() {
        return nodes.stream()
                .flatMap(node -> node.edges().stream())
                .map(Edge::bytes)
                .distinct()
                .toList();
    }
}
