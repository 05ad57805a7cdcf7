package graft.attach;

import graft.attach.UndoRecord.Site;
import graft.platform.address.RemoteAddress;
import graft.rewriter.Code;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A long jump of ours that only a short one of ours leads to. What was there before is no way to go on for a thread that
 * is between the two, so it goes back before they are taken away: the short jump has had no effect.
 *
 * @param from where the short jump is
 * @param address where the long one is
 * @param jump the long one
 */
record Hop(RemoteAddress from, RemoteAddress address, Code jump) {
    private static final byte SHORT_JUMP = (byte) 0xeb;
    private static final int SHORT_JUMP_LENGTH = 2;
    private static final int JUMP_LENGTH = 5;

    /** The hops of the sites. */
    static List<Hop> among(List<Site> sites) {
        List<Hop> hops = new ArrayList<>();
        for (Site site : sites) {
            Code jump = site.newBytes();
            if (jump.length() == SHORT_JUMP_LENGTH && jump.at(0) == SHORT_JUMP) {
                RemoteAddress to = site.address().plus(SHORT_JUMP_LENGTH + jump.at(1));
                sites.stream()
                        .filter(other -> isJump(other, to.minus(other.address())))
                        .map(other -> new Hop(site.address(), to, jump(other, to)))
                        .forEach(hops::add);
            }
        }
        return hops;
    }

    private static boolean isJump(Site site, long offset) {
        return offset >= 0 && offset + JUMP_LENGTH <= site.newBytes().length();
    }

    private static Code jump(Site site, RemoteAddress at) {
        int offset = (int) at.minus(site.address());
        return Code.of(Arrays.copyOfRange(site.newBytes().bytes(), offset, offset + JUMP_LENGTH));
    }
}
