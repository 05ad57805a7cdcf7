package graft.attach;

import graft.platform.address.RemoteAddress;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfSection;
import graft.platform.elf.ElfSymbol;
import graft.platform.elf.SymbolTable;
import graft.platform.layout.PoolConstants;
import graft.rewriter.Code;
import graft.rewriter.PatchPlan.CodeBlock;
import graft.shim.ShimResource;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The in-target agent as it goes into a code pool: one flat block of position-independent code, and its entry points. */
public final class AgentImage {
    private final Code code;
    private final Map<String, Long> symbols;

    private AgentImage(Code code, Map<String, Long> symbols) {
        this.code = code;
        this.symbols = symbols;
    }

    /** The agent that this build carries. */
    public static AgentImage load() {
        try (ElfFile elf = ElfFile.of("graft-agent.so", ShimResource.AGENT.bytes())) {
            ElfSection text =
                    elf.section(".text").orElseThrow(() -> new AssertionError("the agent of this build has no text"));
            byte[] image = elf.content(text);
            if (image.length > PoolConstants.AGENT_MAX) {
                throw new AssertionError("the agent takes " + image.length + " bytes of " + PoolConstants.AGENT_MAX);
            }
            Map<String, Long> symbols = new HashMap<>();
            for (ElfSymbol symbol : elf.symbols(SymbolTable.DYNAMIC)) {
                if (symbol.isDefinedFunction()) {
                    symbols.put(
                            symbol.name(),
                            symbol.value().value() - text.address().value());
                }
            }
            return new AgentImage(Code.of(image), Map.copyOf(symbols));
        }
    }

    /** The block that puts the agent into the pool at {@code pool}. */
    public CodeBlock blockFor(RemoteAddress pool) {
        return new CodeBlock(pool.plus(PoolConstants.AGENT_OFFSET), code, "agent");
    }

    /** Where an exported function is, in the pool at {@code pool}. */
    public Optional<RemoteAddress> function(RemoteAddress pool, String symbol) {
        return Optional.ofNullable(symbols.get(symbol)).map(pool.plus(PoolConstants.AGENT_OFFSET)::plus);
    }
}
