package graft.attach;

import graft.attach.UndoRecord.Site;
import graft.platform.address.RemoteAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Text that is checked and written in one call while the target is stopped: one site, or, when there are many, the sites
 * of a page and what lies between them, as it was when this was made. Whoever writes it has found every byte of it as
 * expected in the same stop, so what lies between is never changed: a page that differs, because another tool has
 * patched it meanwhile, is left alone. No thread of the target runs then, and other processes have pages of their own.
 *
 * <p>Nothing is written outside of a stop, not even to have the page copied before: another tool may be at work.
 *
 * @param address first byte
 * @param original the bytes without our sites
 * @param ours the bytes with them
 * @param sites what is in it, ascending
 */
record TextSpan(RemoteAddress address, byte[] original, byte[] ours, List<Site> sites) {
    private static final int PAGE = 4096;

    /** A stop for so many sites is short enough, and what lies between them is nobody's business. */
    private static final int ALONE = 64;

    TextSpan {
        sites = List.copyOf(sites);
    }

    /** The spans of sites that do not overlap. */
    static List<TextSpan> of(Target target, List<Site> sites) {
        if (sites.size() <= ALONE) {
            return alone(sites);
        }
        List<Site> ordered = new ArrayList<>(sites);
        ordered.sort(Comparator.comparing(Site::address));
        List<TextSpan> spans = new ArrayList<>();
        int first = 0;
        for (int i = 1; i <= ordered.size(); i++) {
            if (i == ordered.size() || !samePage(ordered.get(first), ordered.get(i))) {
                spans.add(span(target, ordered.subList(first, i)));
                first = i;
            }
        }
        return spans;
    }

    /** One span for each site. */
    static List<TextSpan> alone(List<Site> sites) {
        return sites.stream()
                .map(site -> new TextSpan(
                        site.address(), site.oldBytes().bytes(), site.newBytes().bytes(), List.of(site)))
                .toList();
    }

    private static boolean samePage(Site first, Site last) {
        long end = last.address().value() + last.oldBytes().length() - 1;
        return first.address().value() / PAGE == end / PAGE;
    }

    private static TextSpan span(Target target, List<Site> sites) {
        if (sites.size() == 1) {
            return alone(sites).getFirst();
        }
        RemoteAddress start = sites.getFirst().address();
        Site last = sites.getLast();
        long length = last.address().minus(start) + last.oldBytes().length();
        byte[] original = target.memory().readBytes(start, (int) length);
        byte[] ours = original.clone();
        for (Site site : sites) {
            int offset = (int) site.address().minus(start);
            int size = site.oldBytes().length();
            System.arraycopy(site.oldBytes().bytes(), 0, original, offset, size);
            System.arraycopy(site.newBytes().bytes(), 0, ours, offset, size);
        }
        return new TextSpan(start, original, ours, sites);
    }
}
