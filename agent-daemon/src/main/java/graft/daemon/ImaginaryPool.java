package graft.daemon;

import graft.platform.address.RemoteAddress;
import graft.rewriter.Code;
import graft.rewriter.plan.CodeSpace;
import graft.rewriter.plan.ModuleText;

/** A pool near a module that keeps nothing: for finding out what can be planned. */
final class ImaginaryPool implements CodeSpace {
    private static final long DISTANCE = 64L << 20;
    private static final int ALIGNMENT = 16;

    private RemoteAddress next;

    private ImaginaryPool(RemoteAddress start) {
        this.next = new RemoteAddress(start.value() & -ALIGNMENT);
    }

    static ImaginaryPool behind(ModuleText text) {
        return new ImaginaryPool(text.end().plus(DISTANCE));
    }

    @Override
    public RemoteAddress next() {
        return next;
    }

    @Override
    public RemoteAddress active() {
        return next;
    }

    @Override
    public void add(RemoteAddress address, Code code, String purpose) {
        next = next.plus((code.length() + ALIGNMENT - 1) & -ALIGNMENT);
    }
}
