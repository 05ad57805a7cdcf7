package graft.daemon.image;

import graft.ebpf.helper.Helper;
import graft.ebpf.jit.Compilation;
import graft.ebpf.jit.CompiledProgram;
import graft.ebpf.jit.ProgramCompiler;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.x86_64.X64ProgramCompiler;
import graft.ebpf.verifier.Facts;
import graft.platform.address.RemoteAddress;
import graft.platform.layout.ConfigLayout;
import graft.platform.layout.PoolConstants;
import graft.rewriter.Code;
import graft.rewriter.plan.CodeSpace;
import graft.rewriter.stub.ProgramEntry;
import graft.rewriter.stub.ReturnRoutines;
import graft.rewriter.stub.RuntimeRegion;
import graft.rewriter.stub.SiteRecord;
import graft.rewriter.stub.ThunkKind;
import graft.rewriter.stub.ThunkWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Supplier;

/** The programs of a session in one code pool: compiled when first used there, with one thunk per kind of probe. */
final class ProgramPool implements CodeSpace {
    /** One for all pools of the daemon. */
    private static final ProgramCompiler COMPILER = new CachedCompiler(X64ProgramCompiler.forThisMachine());

    private final PoolBuilder builder;
    private final TargetBinding binding;
    private final RuntimeRegion runtime;
    private final List<CheckedProgram> tailPrograms;
    private final Map<String, ProgramEntry> programs = new HashMap<>();
    private final Map<String, Long> tailEntries = new HashMap<>();
    private final Map<ThunkKey, PooledThunk> thunks = new HashMap<>();
    private Optional<ReturnRoutines.Addresses> returnRoutines = Optional.empty();
    private Optional<RemoteAddress> returnPages = Optional.empty();
    private Optional<RemoteAddress> openTable;

    private record ThunkKey(String program, ThunkKind kind) {}

    /**
     * A thunk in this pool.
     *
     * @param record whether it reads what is in front of its call
     */
    record PooledThunk(RemoteAddress address, SiteRecord record) {}

    /** A program cannot be compiled; carries the reason out of the planner's callbacks. */
    static final class NotCompiledException extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final transient Compilation.Refused refusal;

        private NotCompiledException(Compilation.Refused refusal) {
            super(refusal.toString());
            this.refusal = refusal;
        }

        Compilation.Refused refusal() {
            return refusal;
        }
    }

    /** @param tailPrograms what tail calls lead to, in the order of their numbers */
    ProgramPool(
            PoolBuilder builder,
            MapPlacement maps,
            TargetEnvironment environment,
            List<CheckedProgram> tailPrograms,
            long size) {
        this.builder = builder;
        this.tailPrograms = List.copyOf(tailPrograms);
        this.openTable = tailPrograms.isEmpty()
                ? Optional.empty()
                : Optional.of(builder.reserve(tailPrograms.size() * Long.BYTES));
        this.runtime = new RuntimeRegion(builder.pool(), size, environment.children());
        this.binding = new TargetBinding(
                maps.bindings(builder.runtime()),
                builder.helpers(),
                switch (environment.children()) {
                    case LEFT -> OptionalInt.of(environment.tgid());
                    case FOLLOWED -> OptionalInt.empty();
                },
                environment.ownTgid().isPresent() ? OptionalInt.empty() : environment.tidOffset(),
                environment.rseqOffset().isPresent()
                        ? OptionalInt.of(environment.rseqOffset().getAsInt() + RSEQ_CPU_ID)
                        : OptionalInt.empty(),
                openTable.map(table ->
                        new TargetBinding.ProgramTable(table.value(), tailPrograms.size(), signals(tailPrograms))),
                Optional.of(new TargetBinding.StackBounds(
                        config(ConfigLayout.STACK_START), config(ConfigLayout.STACK_END))));
    }

    private static TargetBinding.RunSignals signals(List<CheckedProgram> programs) {
        return programs.stream().anyMatch(one -> one.facts().helpers().stream().anyMatch(Helper::notesSignal))
                ? TargetBinding.RunSignals.SENT
                : TargetBinding.RunSignals.NONE;
    }

    private long config(int offset) {
        return builder.runtime().plus(PoolConstants.CONFIG_OFFSET + offset).value();
    }

    /** {@code cpu_id} in {@code struct rseq} (include/uapi/linux/rseq.h). */
    private static final int RSEQ_CPU_ID = 4;

    @Override
    public RemoteAddress next() {
        return builder.next();
    }

    @Override
    public RemoteAddress active() {
        return runtime.active();
    }

    @Override
    public void add(RemoteAddress address, Code code, String purpose) {
        builder.add(address, code, purpose);
    }

    /** The thunk of {@code program} for {@code kind}. */
    PooledThunk thunk(CheckedProgram program, ThunkKind kind) {
        ThunkKey key = new ThunkKey(program.spec().name(), kind);
        PooledThunk known = thunks.get(key);
        if (known != null) {
            return known;
        }
        ProgramEntry entry = entry(program);
        RemoteAddress address = builder.next();
        ThunkWriter.Written written = new ThunkWriter(runtime).write(address, kind, entry);
        builder.add(address, written.code(), "thunk of " + key.program());
        PooledThunk thunk = new PooledThunk(address, written.record());
        thunks.put(key, thunk);
        return thunk;
    }

    /** Whether a program looks at the flags of its context. */
    static boolean readsFlags(CheckedProgram program) {
        return program.facts().contextUse() == Facts.ContextUse.ESCAPES
                || program.facts().contextFields().get(ProgramEntry.FLAGS_WORD);
    }

    private ProgramEntry entry(CheckedProgram program) {
        ProgramEntry known = programs.get(program.spec().name());
        if (known != null) {
            return known;
        }
        RemoteAddress address = builder.next();
        ProgramEntry entry = switch (COMPILER.compile(program.spec(), program.facts(), binding, address.value())) {
            case Compilation.Refused refused -> throw new NotCompiledException(refused);
            case Compilation.Compiled(var compiled) -> {
                builder.add(address, Code.of(compiled.code()), "program " + compiled.name());
                tailEntries.put(compiled.name(), address.value() + compiled.tailEntry());
                yield entry(address, compiled, program);
            }
        };
        programs.put(program.spec().name(), entry);
        if (program.facts().helpers().contains(Helper.TAIL_CALL)) {
            fillTable();
        }
        return entry;
    }

    /** Compiles what tail calls can lead to, once. */
    private void fillTable() {
        Optional<RemoteAddress> table = openTable;
        openTable = Optional.empty();
        if (table.isEmpty()) {
            return;
        }
        ByteBuffer addresses =
                ByteBuffer.allocate(tailPrograms.size() * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        tailPrograms.forEach(this::entry);
        tailPrograms.forEach(
                program -> addresses.putLong(tailEntries.get(program.spec().name())));
        builder.fill(table.get(), Code.of(addresses.array()), "table of programs to tail call");
    }

    private ProgramEntry entry(RemoteAddress address, CompiledProgram compiled, CheckedProgram program) {
        ProgramChanges changes = ProgramChanges.of(program, tailPrograms);
        Set<ProgramEntry.Use> uses = EnumSet.noneOf(ProgramEntry.Use.class);
        for (CompiledProgram.BelowContext input : compiled.inputs()) {
            uses.add(
                    switch (input) {
                        case FUNCTION_IP -> ProgramEntry.Use.FUNCTION_IP;
                        case ATTACH_COOKIE -> ProgramEntry.Use.COOKIE;
                    });
        }
        if (compiled.calls() == CompiledProgram.Calls.HELPERS) {
            uses.add(ProgramEntry.Use.HELPERS);
        }
        if (changes.mayOverride()) {
            uses.add(ProgramEntry.Use.OVERRIDE);
        }
        if (program.walksStack(tailPrograms)) {
            uses.add(ProgramEntry.Use.FRAME);
        }
        BitSet fields =
                compiled.contextUse() == Facts.ContextUse.ESCAPES ? ProgramEntry.allFields() : compiled.contextFields();
        return new ProgramEntry(address, compiled.clobbers(), fields, uses, changes.registers());
    }

    /** The pool's return routines, written when first asked for, as are the places of their pages. */
    ReturnRoutines.Addresses returnRoutines(Supplier<Optional<RemoteAddress>> pages) {
        if (returnRoutines.isEmpty()) {
            returnPages = pages.get();
            ReturnRoutines.Written written = ReturnRoutines.write(runtime, returnPages, builder.next());
            builder.add(written.address(), written.code(), "return routines");
            returnRoutines = Optional.of(written.addresses());
        }
        return returnRoutines.get();
    }

    /** Where its return routines have their pages. */
    Optional<RemoteAddress> returnPages() {
        return returnPages;
    }

    PoolBuilder builder() {
        return builder;
    }

    /** Size of a pool that holds {@code stubBytes} of stubs and every program with all its thunks, whole pages. */
    static long sizeFor(long stubBytes, Iterable<CheckedProgram> programs) {
        long code = stubBytes + ReturnRoutines.MAX_BYTES + PAGE;
        for (CheckedProgram program : programs) {
            code += PROGRAM_BYTES + (long) program.spec().insns().slots() * INSN_BYTES;
            code += (long) ThunkWriter.MOST_KINDS * ThunkWriter.MAX_BYTES;
        }
        return (PoolConstants.CODE_OFFSET + code + PAGE - 1) & -PAGE;
    }

    private static final long PAGE = 4096;
    private static final long PROGRAM_BYTES = 4096;
    /** More than any instruction takes, inlined helpers included. Pages that are not used cost address space only. */
    private static final long INSN_BYTES = 256;
}
