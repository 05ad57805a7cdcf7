package graft.attach;

import graft.attach.UndoRecord.Counter;
import graft.attach.UndoRecord.Kind;
import graft.attach.UndoRecord.Range;
import graft.attach.UndoRecord.Site;
import graft.platform.address.RemoteAddress;
import graft.platform.proc.Execution;
import graft.rewriter.Code;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** Reads the lines of a journal whose checksum is right. */
final class JournalParser {
    private final String text;
    private final List<Range> ranges = new ArrayList<>();
    private final List<Site> sites = new ArrayList<>();
    private final List<Counter> counters = new ArrayList<>();

    JournalParser(String text) {
        this.text = text;
    }

    UndoRecord parse() {
        String[] target = {};
        String[] daemon = {};
        String[] hole = {};
        for (String line : text.split("\n")) {
            String[] word = line.split(" ");
            switch (word[0]) {
                case "target" -> target = word;
                case "daemon" -> daemon = word;
                case "hole" -> hole = word;
                case "map" ->
                    ranges.add(new Range(
                            Kind.valueOf(word[1]), address(word[2]), Long.parseLong(word[3]), Long.parseLong(word[4])));
                case "site" ->
                    sites.add(new Site(address(word[1]), Code.ofHex(word[2]), Code.ofHex(word[3]), inode(word, 4)));
                case "counter" ->
                    counters.add(new Counter(address(word[1]), Integer.parseInt(word[2]), inode(word, 3)));
                default -> {} // The magic line.
            }
        }
        return new UndoRecord(
                Integer.parseInt(target[1]),
                Long.parseLong(target[2]),
                target[3],
                new Execution(target[4]),
                Long.parseLong(daemon[1]),
                Long.parseLong(daemon[2]),
                new Hole(address(hole[1]), HexFormat.of().parseHex(hole[2])),
                ranges,
                sites,
                counters);
    }

    /** Journals of older builds say none. */
    private static long inode(String[] word, int place) {
        return word.length > place ? Long.parseLong(word[place]) : 0;
    }

    private static RemoteAddress address(String text) {
        return new RemoteAddress(Long.parseUnsignedLong(text.substring(2), 16));
    }
}
