package graft.ebpf.object;

import graft.ebpf.insn.InsnList;
import java.util.List;
import java.util.Optional;

/**
 * Blueprint of a program: relocated against its collection's maps by name, CO-RE applied, the subprograms it reaches
 * appended once. Not tied to any process or kernel object.
 *
 * @param name the function's name
 * @param section the ELF section, for example {@code uprobe/libssl.so.3:SSL_write}
 * @param target the part of the section name after the first slash, if any
 * @param insns entry function first, then subprograms
 * @param functions slot ranges of the entry function and the subprograms, in order
 * @param lines source lines by slot, ascending; empty without {@code .BTF.ext}
 * @param license the object's license string
 */
public record ProgSpec(
        String name,
        String section,
        ProgType type,
        Optional<String> target,
        InsnList insns,
        List<Function> functions,
        List<SourceLine> lines,
        String license) {

    /** What the kernel makes of the section; probes and tracepoints are known without a section name. */
    public Optional<KernelSection> kernelSection() {
        return switch (type) {
            case UPROBE -> Optional.of(new KernelSection(KernelType.KPROBE, "uprobe", target.orElse(""), sleep()));
            case URETPROBE ->
                Optional.of(new KernelSection(KernelType.KPROBE, "uretprobe", target.orElse(""), sleep()));
            case SYSCALL_ENTER, SYSCALL_EXIT, KERNEL_TRACEPOINT ->
                Optional.of(new KernelSection(
                        KernelType.TRACEPOINT, "tracepoint", target.orElse(""), KernelSection.Sleep.NEVER));
            case USDT -> Optional.of(new KernelSection(KernelType.KPROBE, "usdt", target.orElse(""), sleep()));
            case RAW_SYSCALL_ENTER, RAW_SYSCALL_EXIT ->
                Optional.of(new KernelSection(
                        KernelType.RAW_TRACEPOINT, "raw_tp", target.orElse(""), KernelSection.Sleep.NEVER));
            case KSYSCALL ->
                Optional.of(
                        new KernelSection(KernelType.KPROBE, "ksyscall", target.orElse(""), KernelSection.Sleep.NEVER));
            case KRETSYSCALL ->
                Optional.of(new KernelSection(
                        KernelType.KPROBE, "kretsyscall", target.orElse(""), KernelSection.Sleep.NEVER));
            case UPROBE_SESSION, OTHER -> KernelSection.of(section);
        };
    }

    /** Whether it is attached only when somebody asks for it: its section begins with a question mark. */
    public boolean isOnDemand() {
        return section.startsWith("?");
    }

    /** The same as a program of another type, for a place that its section does not name. */
    public ProgSpec as(ProgType other) {
        return new ProgSpec(name, section, other, target, insns, functions, lines, license);
    }

    private KernelSection.Sleep sleep() {
        boolean sleeps = section.contains("probe.s") || section.contains("multi.s") || section.contains("usdt.s");
        return sleeps ? KernelSection.Sleep.ALLOWED : KernelSection.Sleep.NEVER;
    }

    /** One function: its name, first slot and number of slots. {@code btfType} is the FUNC id in the object's BTF, 0 if unknown. */
    public record Function(String name, int firstSlot, int slots, int btfType) {}

    /** The source position of the instructions from {@code slot} up to the next entry. */
    public record SourceLine(int slot, String file, int line, String text) {
        @Override
        public String toString() {
            return file + ":" + line;
        }
    }
}
