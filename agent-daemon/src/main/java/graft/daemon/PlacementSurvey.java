package graft.daemon;

import graft.daemon.image.ModuleTexts;
import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.RemoteAddress;
import graft.platform.elf.DebugFiles;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfSymbol;
import graft.rewriter.PatchSite;
import graft.rewriter.plan.CodeSpace;
import graft.rewriter.plan.FunctionRange;
import graft.rewriter.plan.ModuleText;
import graft.rewriter.plan.Planned;
import graft.rewriter.plan.ProbePlanner;
import graft.rewriter.plan.ProgramAtSite;
import graft.rewriter.plan.Unwinding;
import graft.rewriter.stub.ProbeCall;
import graft.rewriter.stub.ReturnRoutines;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * How every function of a file could be probed, were it loaded: a probe of its entry and one of its return are planned
 * and counted. No process is touched.
 *
 * @param functions how many
 * @param entries entry probes by tactic
 * @param refusedEntries entries that cannot be probed
 * @param returns return probes by how returns are seen
 * @param refusedReturns returns that cannot be seen by a process in which something may unwind the stack
 * @param planning time for reading the file and planning everything
 */
public record PlacementSurvey(
        int functions,
        Map<PatchSite.Tactic, Integer> entries,
        List<Refused> refusedEntries,
        Map<ReturnMode, Integer> returns,
        List<Refused> refusedReturns,
        Duration planning) {
    private static final long LOAD_BIAS = 0x5555_0000_0000L;

    /** How returns are seen. */
    public enum ReturnMode {
        /** At each exit of the function; nothing on the stack changes. */
        EXITS,
        /** By wrapping the call, which is possible where nothing unwinds the stack. */
        WRAPPED
    }

    /** A function without a place. */
    public record Refused(String function, Planned.Reason reason, String why) {}

    public PlacementSurvey {
        entries = Map.copyOf(entries);
        refusedEntries = List.copyOf(refusedEntries);
        returns = Map.copyOf(returns);
        refusedReturns = List.copyOf(refusedReturns);
    }

    /**
     * Surveys a file.
     *
     * @throws graft.platform.elf.ElfFormatException when it is no ELF file
     */
    public static PlacementSurvey of(Path path) {
        long began = System.nanoTime();
        try (ElfFile elf = ElfFile.open(path)) {
            long bias = elf.header().type() == graft.platform.elf.ElfHeader.EXECUTABLE ? 0 : LOAD_BIAS;
            Tally tally = new Tally();
            for (ModuleText text : ModuleTexts.all(path.getFileName().toString(), elf, bias)) {
                tally.add(text, functions(elf, path, text, bias));
            }
            return tally.survey(Duration.ofNanos(System.nanoTime() - began));
        }
    }

    /** One range per address. Hand-written functions without a size reach up to the next one. */
    private static List<FunctionRange> functions(ElfFile elf, Path path, ModuleText text, long bias) {
        TreeMap<RemoteAddress, ElfSymbol> symbols = new TreeMap<>();
        addAll(elf, bias, symbols);
        Optional<Path> debugFile = DebugFiles.below(Path.of("/")).find(elf, path);
        if (debugFile.isPresent()) {
            try (ElfFile debug = ElfFile.open(debugFile.get())) {
                addAll(debug, bias, symbols);
            }
        }
        List<FunctionRange> ranges = new ArrayList<>();
        symbols.subMap(text.start(), text.end()).forEach((start, symbol) -> {
            RemoteAddress next = Optional.ofNullable(symbols.higherKey(start)).orElse(text.end());
            long size = symbol.size() == 0 ? next.minus(start) : symbol.size();
            ranges.add(new FunctionRange(symbol.name(), start, size));
        });
        return ranges;
    }

    private static void addAll(ElfFile file, long bias, Map<RemoteAddress, ElfSymbol> symbols) {
        for (ElfSymbol symbol : file.functions().all()) {
            ElfVirtualAddress value = symbol.value();
            if (symbol.type() == ElfSymbol.Type.FUNCTION) {
                symbols.putIfAbsent(value.loadedWith(bias), symbol);
            }
        }
    }

    /** The counts while they are made. */
    private static final class Tally {
        private final Map<PatchSite.Tactic, Integer> entries = new EnumMap<>(PatchSite.Tactic.class);
        private final Map<ReturnMode, Integer> returns = new EnumMap<>(ReturnMode.class);
        private final List<Refused> refusedEntries = new ArrayList<>();
        private final List<Refused> refusedReturns = new ArrayList<>();
        private int functions;

        void add(ModuleText text, List<FunctionRange> ranges) {
            functions += ranges.size();
            addEntries(text, ranges);
            addReturns(text, ranges);
        }

        private void addEntries(ModuleText text, List<FunctionRange> ranges) {
            CodeSpace space = ImaginaryPool.behind(text);
            RemoteAddress thunk = space.next();
            ProgramAtSite program = _ -> new ProbeCall(thunk, thunk, 0);
            ProbePlanner planner =
                    new ProbePlanner(text, space, () -> new ReturnRoutines.Addresses(thunk, thunk), Unwinding.ABSENT);
            for (FunctionRange range : ranges) {
                switch (planner.function(range, List.of(program), List.of())) {
                    case Planned.Patchable(var sites) ->
                        entries.merge(sites.getFirst().tactic(), 1, Integer::sum);
                    case Planned.Refused(var reason, var why, var _) ->
                        refusedEntries.add(new Refused(range.name(), reason, why));
                    case Planned.Inside inside -> throw new AssertionError(inside);
                }
            }
        }

        private void addReturns(ModuleText text, List<FunctionRange> ranges) {
            CodeSpace space = ImaginaryPool.behind(text);
            RemoteAddress thunk = space.next();
            ProgramAtSite program = _ -> new ProbeCall(thunk, thunk, 0);
            AtomicBoolean wrapped = new AtomicBoolean();
            ProbePlanner planner = new ProbePlanner(
                    text,
                    space,
                    () -> {
                        wrapped.set(true);
                        return new ReturnRoutines.Addresses(thunk, thunk);
                    },
                    Unwinding.ABSENT);
            for (FunctionRange range : ranges) {
                wrapped.set(false);
                switch (planner.function(range, List.of(), List.of(program))) {
                    case Planned.Patchable _ ->
                        returns.merge(wrapped.get() ? ReturnMode.WRAPPED : ReturnMode.EXITS, 1, Integer::sum);
                    case Planned.Refused(var reason, var why, var _) ->
                        refusedReturns.add(new Refused(range.name(), reason, why));
                    case Planned.Inside inside -> throw new AssertionError(inside);
                }
            }
        }

        PlacementSurvey survey(Duration planning) {
            return new PlacementSurvey(functions, entries, refusedEntries, returns, refusedReturns, planning);
        }
    }
}
