package graft.tests.nginx;

import graft.platform.address.RemoteAddress;
import graft.rewriter.Code;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code graft plan -o jsonl} printed about one process.
 *
 * @param sites the patched places
 * @param code what would be written into code pools
 * @param memory what would be mapped
 */
record PrintedPlan(List<Site> sites, List<Block> code, List<Memory> memory) {
    private static final Pattern MEMBER = Pattern.compile("\"(\\w+)\":(?:\"([^\"]*)\"|(\\d+))");

    /** A patched place. */
    record Site(RemoteAddress address, Code before, Code after) {}

    /** Code, known by its hash. */
    record Block(RemoteAddress address, int length, String sha256) {}

    /** Memory that would be mapped. */
    record Memory(RemoteAddress address, long length, String purpose) {
        RemoteAddress end() {
            return address.plus(length);
        }
    }

    static PrintedPlan of(int pid, List<String> lines) {
        List<String> own = lines.stream()
                .filter(line -> Integer.parseInt(member(line, "pid")) == pid)
                .toList();
        return new PrintedPlan(
                own.stream()
                        .filter(line -> member(line, "type").equals("site"))
                        .map(line -> new Site(
                                address(line), Code.ofHex(member(line, "old")), Code.ofHex(member(line, "new"))))
                        .toList(),
                own.stream()
                        .filter(line -> member(line, "type").equals("code"))
                        .map(line -> new Block(
                                address(line), Integer.parseInt(member(line, "length")), member(line, "sha256")))
                        .toList(),
                own.stream()
                        .filter(line -> member(line, "type").equals("memory"))
                        .map(line -> new Memory(
                                address(line), Long.parseLong(member(line, "length")), member(line, "purpose")))
                        .toList());
    }

    private static RemoteAddress address(String line) {
        return new RemoteAddress(Long.parseUnsignedLong(member(line, "address").substring(2), 16));
    }

    /** The first member of this name in a line of flat JSON. */
    private static String member(String line, String name) {
        Matcher members = MEMBER.matcher(line);
        while (members.find()) {
            if (members.group(1).equals(name)) {
                return members.group(2) != null ? members.group(2) : members.group(3);
            }
        }
        throw new AssertionError("no " + name + " in " + line);
    }

    /** Every byte of the process's text that the plan would change, with what it becomes. */
    SortedMap<RemoteAddress, Byte> changes() {
        SortedMap<RemoteAddress, Byte> changes = new TreeMap<>();
        for (Site site : sites) {
            for (int i = 0; i < site.before().length(); i++) {
                if (site.before().at(i) != site.after().at(i)) {
                    changes.put(site.address().plus(i), site.after().at(i));
                }
            }
        }
        return changes;
    }
}
