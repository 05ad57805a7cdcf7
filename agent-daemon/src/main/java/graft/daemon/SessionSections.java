package graft.daemon;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Assembler;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import graft.uprobe.Probe;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Programs of {@code uprobe.session} sections, which run at the entry of a function and, unless they say no there, at its
 * return, with eight bytes of their own for each call. In a process each becomes two ordinary programs around the same
 * instructions: one puts the call into a table, the other looks it up. A call is known by the address of its return
 * address, so exceptions and {@code longjmp} leave a row behind that the next call at this depth overwrites.
 */
final class SessionSections {
    private static final String CALLS = ".session_calls";
    private static final String COOKIES = ".session_cookies";
    private static final String SPARE = ".session_spare";
    private static final String RETURN_SUFFIX = ".return";
    private static final int CALL_KEY_BYTES = 24;
    private static final int MAX_CALLS = 16_384;
    private static final int MAX_THREADS = 4096;

    private final CollectionSpec object;
    private final Map<String, ProgSpec> programs = new LinkedHashMap<>();
    private int number;

    private SessionSections(CollectionSpec object) {
        this.object = object;
    }

    /** The request with two programs and two links in place of each session program; itself when it has none. */
    static SessionRequest expanded(SessionRequest request) {
        boolean none = request.object().programs().values().stream().noneMatch(SessionSections::isSession);
        return none ? request : new SessionSections(request.object()).expand(request);
    }

    private static boolean isSession(ProgSpec program) {
        return program.type() == ProgType.UPROBE_SESSION;
    }

    private SessionRequest expand(SessionRequest request) {
        for (ProgSpec program : object.programs().values()) {
            if (isSession(program)) {
                number++;
                add(around(program, "session-enter.s", 0, ProgType.UPROBE, program.name()));
                add(around(program, "session-leave.s", 1, ProgType.URETPROBE, program.name() + RETURN_SUFFIX));
            } else {
                add(program);
            }
        }
        Map<String, MapSpec> maps = new LinkedHashMap<>(object.maps());
        put(maps, MapSpec.of(CALLS, MapType.HASH, CALL_KEY_BYTES, Long.BYTES, MAX_CALLS));
        put(maps, MapSpec.of(COOKIES, MapType.HASH, Long.BYTES, Long.BYTES, MAX_THREADS));
        put(maps, MapSpec.of(SPARE, MapType.ARRAY, Integer.BYTES, Long.BYTES, 1));
        List<LinkRequest> links = new ArrayList<>();
        request.links().forEach(link -> addLinks(link, links));
        CollectionSpec expanded = object.with(maps, programs);
        return request.with(expanded, links);
    }

    private void add(ProgSpec program) {
        programs.put(program.name(), program);
    }

    private static void put(Map<String, MapSpec> maps, MapSpec map) {
        maps.put(map.name(), map);
    }

    private void addLinks(LinkRequest link, List<LinkRequest> links) {
        links.add(link);
        Optional<ProgSpec> program =
                Optional.ofNullable(object.programs().get(link.program())).filter(SessionSections::isSession);
        if (program.isPresent() && link instanceof LinkRequest.Uprobe(var name, var probe, var cookie)) {
            Probe end = new Probe(Probe.Kind.RETURN, probe.module(), probe.symbol(), 0);
            links.add(new LinkRequest.Uprobe(name + RETURN_SUFFIX, end, cookie));
        }
    }

    private ProgSpec around(ProgSpec program, String frame, int isReturn, ProgType type, String name) {
        List<Insn> all = new ArrayList<>(assembled(frame).insns());
        int before = InsnList.of(all).slots();
        int cookie = before + program.insns().slots();
        int slot = before;
        for (Insn insn : program.insns().insns()) {
            all.add(placed(insn, slot, before, cookie, isReturn));
            slot += insn.slots();
        }
        InsnList last = assembled("session-cookie.s");
        all.addAll(last.insns());
        List<ProgSpec.Function> functions = new ArrayList<>();
        functions.add(new ProgSpec.Function(name, 0, before, 0));
        program.functions()
                .forEach(function -> functions.add(new ProgSpec.Function(
                        function.name(), function.firstSlot() + before, function.slots(), function.btfType())));
        functions.add(new ProgSpec.Function("bpf_session_cookie", cookie, last.slots(), 0));
        List<ProgSpec.SourceLine> lines = program.lines().stream()
                .map(line -> new ProgSpec.SourceLine(line.slot() + before, line.file(), line.line(), line.text()))
                .toList();
        return new ProgSpec(
                name, program.section(), type, program.target(), InsnList.of(all), functions, lines, program.license());
    }

    private static Insn placed(Insn insn, int slot, int before, int cookie, int isReturn) {
        return switch (insn) {
            case Insn.LoadWide(var dst, Wide.Function(var first)) ->
                new Insn.LoadWide(dst, new Wide.Function(first + before));
            case Insn.CallKernelFunction(var name)
            when name.equals("bpf_session_is_return") ->
                new Insn.Alu(AluOp.MOV, Width.W64, Reg.R0, new Operand.Imm(isReturn));
            case Insn.CallKernelFunction(var name)
            when name.equals("bpf_session_cookie") -> new Insn.CallLocal(cookie - slot - 1);
            default -> insn; // jumps and calls are relative
        };
    }

    private InsnList assembled(String resource) {
        try (InputStream in = SessionSections.class.getResourceAsStream(resource)) {
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            return switch (Assembler.assemble(text.replace("PROGRAM", Integer.toString(number)))) {
                case Assembler.Result.Assembled(var insns, var _, var _) -> insns;
                case Assembler.Result.Refused refused -> throw new AssertionError(resource + ": " + refused);
            };
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + resource, e);
        }
    }
}
