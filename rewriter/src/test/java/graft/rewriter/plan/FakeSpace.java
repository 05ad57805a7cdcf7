package graft.rewriter.plan;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.RemoteAddress;
import graft.rewriter.Code;
import java.util.ArrayList;
import java.util.List;

/** Code that is written one behind the other, and kept. */
final class FakeSpace implements CodeSpace {
    private final RemoteAddress start;
    private final List<Code> blocks = new ArrayList<>();
    private RemoteAddress next;

    FakeSpace(RemoteAddress start) {
        this.start = start;
        this.next = start;
    }

    List<Code> blocks() {
        return blocks;
    }

    @Override
    public RemoteAddress next() {
        return next;
    }

    @Override
    public RemoteAddress active() {
        return start.plus(-0x1000);
    }

    @Override
    public void add(RemoteAddress address, Code code, String purpose) {
        assertThat(address).isEqualTo(next);
        blocks.add(code);
        next = next.plus(code.length());
    }
}
