package graft.attach;

import graft.attach.UndoRecord.Counter;
import graft.attach.UndoRecord.Site;
import graft.platform.linux.SysException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What of the patched text is still loaded. A library takes its text with it when it is unloaded: that needs no restoring,
 * and what is mapped there afterwards is none of ours.
 *
 * @param sites the patched places that are still there
 * @param patched the files, by inode, of which at least one place has our bytes
 */
record LoadedText(List<Site> sites, Set<Long> patched, ProcMaps maps) {
    static LoadedText of(Target target, UndoRecord undo) {
        ProcMaps maps = ProcMaps.read(target.pid());
        List<Site> sites = new ArrayList<>();
        Set<Long> patched = new HashSet<>();
        for (Site site : undo.sites()) {
            boolean same = maps.at(site.address())
                    .filter(mapping -> site.inode() == 0 || mapping.inode() == site.inode())
                    .isPresent();
            boolean asked = !same || !undo.counters().isEmpty();
            boolean ours = asked && maps.at(site.address()).isPresent() && isOurs(target, site);
            if (ours) {
                patched.add(site.inode());
            }
            // Text that was copied to memory without a file, our bytes with it, is still to be restored.
            if (same || ours) {
                sites.add(site);
            }
        }
        return new LoadedText(sites, patched, maps);
    }

    private static boolean isOurs(Target target, Site site) {
        byte[] bytes = site.newBytes().bytes();
        try {
            return Arrays.equals(target.memory().readBytes(site.address(), bytes.length), bytes);
        } catch (SysException _) {
            return false; // unloaded just now
        }
    }

    /** Whether a counter is the one that was counted up, not that of a library that was loaded there afterwards. */
    boolean holds(Counter counter) {
        return maps.at(counter.address())
                .filter(mapping ->
                        counter.inode() == 0 || mapping.inode() == counter.inode() && patched.contains(counter.inode()))
                .isPresent();
    }
}
