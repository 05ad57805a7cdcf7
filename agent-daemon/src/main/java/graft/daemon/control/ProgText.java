package graft.daemon.control;

import graft.attach.Attachment;
import graft.daemon.Session;
import graft.daemon.image.CheckedProgram;
import graft.ebpf.insn.Disassembler;
import graft.ebpf.insn.Insn;
import graft.ebpf.object.ProgSpec;
import graft.platform.linux.ProcMem;
import graft.platform.linux.SysException;
import graft.rewriter.PatchPlan.CodeBlock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A program as its session runs it.
 *
 * @param insns the bytecode that was verified, relocated
 * @param code the machine code, read from each process that has it
 */
public record ProgText(List<InsnText> insns, List<CodeText> code) {
    public ProgText {
        insns = List.copyOf(insns);
        code = List.copyOf(code);
    }

    /**
     * One instruction.
     *
     * @param function begins with it; empty otherwise
     * @param source the line that begins with it; empty otherwise
     */
    public record InsnText(int slot, String text, String function, String source) {}

    /** Bytes as they stand in a process. */
    public record CodeText(int pid, long address, byte[] bytes) {}

    static Optional<ProgText> of(Session session, String name) {
        return Optional.ofNullable(session.collection().programs().get(name))
                .map(CheckedProgram::spec)
                .map(spec -> new ProgText(insns(spec), code(session, name)));
    }

    private static List<InsnText> insns(ProgSpec spec) {
        Map<Integer, String> functions = new HashMap<>();
        spec.functions().forEach(function -> functions.put(function.firstSlot(), function.name()));
        Map<Integer, String> lines = new HashMap<>();
        spec.lines()
                .forEach(line -> lines.put(line.slot(), line + " " + line.text().strip()));
        List<InsnText> texts = new ArrayList<>();
        int slot = 0;
        for (Insn insn : spec.insns().insns()) {
            texts.add(new InsnText(
                    slot, Disassembler.text(insn), functions.getOrDefault(slot, ""), lines.getOrDefault(slot, "")));
            slot += insn.slots();
        }
        return texts;
    }

    private static List<CodeText> code(Session session, String name) {
        List<CodeText> texts = new ArrayList<>();
        for (Attachment attachment : session.attachments()) {
            if (attachment.isAlive()) {
                int pid = attachment.facts().pid();
                try (ProcMem memory = ProcMem.open(pid)) {
                    blocks(attachment, name)
                            .forEach(block -> texts.add(new CodeText(
                                    pid,
                                    block.address().value(),
                                    memory.readBytes(
                                            block.address(), block.code().length()))));
                } catch (SysException _) {
                    // It ends just now: it has no code any more.
                }
            }
        }
        return texts;
    }

    /** What was put into the process of an attachment for a program: one block for each code pool. */
    static Stream<CodeBlock> blocks(Attachment attachment, String name) {
        return attachment.injection().plan().code().stream()
                .filter(block -> block.purpose().equals("program " + name));
    }
}
