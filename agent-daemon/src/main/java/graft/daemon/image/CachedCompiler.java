package graft.daemon.image;

import graft.ebpf.jit.Compilation;
import graft.ebpf.jit.ProgramCompiler;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Facts;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Compiles what it has not compiled before: attaching the same program at the same place again costs nothing. A result is
 * known by the content of all that it depends on, never by a name. Keeps the most recent ones; safe for several threads.
 */
final class CachedCompiler implements ProgramCompiler {
    private static final int KEPT = 128;
    private static final float LOAD_FACTOR = 0.75f;

    private final ProgramCompiler compiler;
    private final Map<Key, Compilation> known = new LinkedHashMap<>(KEPT, LOAD_FACTOR, true);

    private record Key(ProgSpec program, Facts facts, TargetBinding binding, long address) {}

    CachedCompiler(ProgramCompiler compiler) {
        this.compiler = compiler;
    }

    @Override
    public synchronized Compilation compile(ProgSpec program, Facts facts, TargetBinding binding, long codeAddress) {
        Compilation result = known.computeIfAbsent(
                new Key(program, facts, binding, codeAddress),
                key -> compiler.compile(key.program(), key.facts(), key.binding(), key.address()));
        if (known.size() > KEPT) {
            known.remove(known.keySet().iterator().next());
        }
        return result;
    }
}
