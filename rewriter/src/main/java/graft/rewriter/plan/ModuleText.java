package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import graft.rewriter.stub.StackUse;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * One executable range of a module, as the file holds it, at the addresses of one process; and what the file says about
 * places that are jumped to.
 *
 * @param text the bytes from {@code start} on
 * @param functions starts of all known functions, ascending
 * @param pointed addresses that data of the module points to, landing pads among them, ascending
 * @param data reads the module's constant data
 * @param traits what else is in the module
 */
public record ModuleText(
        String name,
        byte[] text,
        RemoteAddress start,
        List<RemoteAddress> functions,
        List<RemoteAddress> pointed,
        ConstantData data,
        Set<Trait> traits) {
    private static final byte PUSH_RBP = 0x55;
    private static final byte[] ENDBR64 = {(byte) 0xf3, 0x0f, 0x1e, (byte) 0xfa};

    public ModuleText {
        functions = List.copyOf(functions);
        pointed = List.copyOf(pointed);
        traits = Set.copyOf(traits);
    }

    /** Reads bytes of the module's file by their address in the process. */
    @FunctionalInterface
    public interface ConstantData {
        /** Up to {@code length} bytes from {@code address} on; fewer, or none, where the file has no more. */
        byte[] read(RemoteAddress address, int length);
    }

    /** Properties that forbid some tactics. */
    public enum Trait {
        /** Restartable sequences: the kernel aborts into the middle of functions. */
        RESTARTABLE_SEQUENCES,
        /** Exception tables that could not be read: the unwinder jumps into the middle of functions. */
        UNREAD_LANDING_PADS,
        /** No section headers: what data points to is not known. */
        NO_SECTIONS,
        /** Linked for a fixed address: code holds whole addresses. */
        FIXED_ADDRESS,
        /** Built by Go: stacks are short, and move, so that no return address may be replaced. */
        GO
    }

    /** First address after the text. */
    public RemoteAddress end() {
        return start.plus(text.length);
    }

    /** Where programs at places of this module run. */
    public StackUse stackUse() {
        return traits.contains(Trait.GO) ? StackUse.POOL : StackUse.THREAD;
    }

    /** How many returns a function has at most: every byte that may begin one counts. */
    public int maxReturns(FunctionRange function) {
        int from = Math.max(0, offsetOf(function.start()));
        int to = (int) Math.min(text.length, function.end().minus(start));
        int count = 0;
        for (int at = from; at < to; at++) {
            if ((text[at] & 0xfe) == 0xc2) {
                count++;
            }
        }
        return count;
    }

    /**
     * Whether the instruction at {@code address} is one that functions with frames begin with, {@code push %rbp} or
     * {@code endbr64}: what the kernel asks when a uprobe's program walks the stack.
     */
    public boolean beginsFrame(RemoteAddress address) {
        int at = offsetOf(address);
        return text[at] == PUSH_RBP
                || at + ENDBR64.length <= text.length
                        && Arrays.equals(text, at, at + ENDBR64.length, ENDBR64, 0, ENDBR64.length);
    }

    int offsetOf(RemoteAddress address) {
        return (int) address.minus(start);
    }
}
