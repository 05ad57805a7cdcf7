package graft.daemon.image;

import graft.attach.AgentImage;
import graft.ebpf.helper.Helper;
import graft.platform.address.RemoteAddress;
import graft.platform.layout.PoolConstants;
import graft.rewriter.Code;
import graft.rewriter.PatchPlan.CodeBlock;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Fills one code pool: the agent first, then programs, thunks and stubs in the order they are asked for. Every block is
 * written for the address that the pool will have in the target.
 */
final class PoolBuilder {
    private static final int ALIGNMENT = 16;

    private final RemoteAddress pool;
    private final AgentImage agent;
    private final List<CodeBlock> blocks = new ArrayList<>();
    private final long size;
    private long cursor = PoolConstants.CODE_OFFSET;

    PoolBuilder(RemoteAddress pool, long size, AgentImage agent) {
        this.pool = pool;
        this.size = size;
        this.agent = agent;
        blocks.add(agent.blockFor(pool));
    }

    RemoteAddress pool() {
        return pool;
    }

    /** First byte of the runtime region below the pool. */
    RemoteAddress runtime() {
        return pool.plus(-PoolConstants.RUNTIME_SIZE);
    }

    /** Where the next block will be. */
    RemoteAddress next() {
        return pool.plus(cursor);
    }

    /** Adds a block that was written for {@code address}, which is {@link #next()}. */
    void add(RemoteAddress address, Code code, String purpose) {
        if (!address.equals(next()) || cursor + code.length() > size) {
            throw new AssertionError(purpose + " was written for " + address + ", but " + next() + " of a pool of "
                    + size + " bytes is free");
        }
        blocks.add(new CodeBlock(next(), code, purpose));
        cursor = (cursor + code.length() + ALIGNMENT - 1) & -ALIGNMENT;
    }

    /** Room for {@code bytes} that are known later: see {@link #fill}. */
    RemoteAddress reserve(int bytes) {
        RemoteAddress address = next();
        cursor = (cursor + bytes + ALIGNMENT - 1) & -ALIGNMENT;
        return address;
    }

    /** The bytes of reserved room. */
    void fill(RemoteAddress address, Code code, String purpose) {
        blocks.add(new CodeBlock(address, code, purpose));
    }

    List<CodeBlock> blocks() {
        return List.copyOf(blocks);
    }

    /** A function of the agent in this pool. */
    RemoteAddress agentFunction(String symbol) {
        return agent.function(pool, symbol)
                .orElseThrow(() -> new AssertionError("the agent of this build has no " + symbol));
    }

    /** The helpers' addresses in this pool. */
    Map<Helper, Long> helpers() {
        Map<Helper, Long> addresses = new EnumMap<>(Helper.class);
        for (Helper helper : Helper.values()) {
            agent.function(pool, helper.agentSymbol()).ifPresent(at -> addresses.put(helper, at.value()));
        }
        return addresses;
    }
}
