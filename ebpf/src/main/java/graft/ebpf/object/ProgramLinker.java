package graft.ebpf.object;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnDecoder;
import graft.ebpf.insn.InsnFormatException;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.KernelCall;
import graft.ebpf.insn.SymbolDecoder;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.WideEncoding;
import graft.platform.elf.ElfSymbol;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Puts one program together: its entry function, then each subprogram it reaches once, with calls and names resolved. */
final class ProgramLinker implements SymbolDecoder {
    private static final int SLOT = 8;
    private static final int MAX_SLOTS = 1_000_000;
    private static final int WIDE = 0x18;
    private static final int CALL = 0x85;

    private final ObjectCode object;
    private final String program;
    private final Map<ObjectCode.Function, Integer> firstSlots = new LinkedHashMap<>();
    private final Map<Integer, Wide> wides = new HashMap<>();
    private final Map<Integer, String> kernelFunctions = new HashMap<>();
    private final Map<Integer, String> poisons = new HashMap<>();
    private int slots;

    ProgramLinker(ObjectCode object, String program) {
        this.object = object;
        this.program = program;
    }

    record Linked(InsnList insns, Map<ObjectCode.Function, Integer> firstSlots) {}

    Linked link(ObjectCode.Function entry) {
        List<ObjectCode.Function> order = new ArrayList<>();
        place(entry, order);
        for (int i = 0; i < order.size(); i++) {
            for (ObjectCode.Function callee : object.callees(order.get(i))) {
                place(callee, order);
            }
        }
        ByteBuffer code = ByteBuffer.allocate(slots * SLOT).order(ByteOrder.LITTLE_ENDIAN);
        order.forEach(function -> copy(function, code));
        return new Linked(decode(code.array()), firstSlots);
    }

    private void place(ObjectCode.Function function, List<ObjectCode.Function> order) {
        if (firstSlots.putIfAbsent(function, slots) == null) {
            order.add(function);
            slots += function.size() / SLOT;
            if (slots > MAX_SLOTS) {
                throw new RefusedException(
                        LoadResult.Reason.BAD_INSTRUCTION, program, "more than a million instructions", "split it");
            }
        }
    }

    private void copy(ObjectCode.Function function, ByteBuffer code) {
        ByteBuffer from = object.code(function);
        for (int at = 0; at < function.size(); at += SLOT) {
            int slot = code.position() / SLOT;
            long raw = from.getLong(function.offset() + at);
            int opcode = (int) raw & 0xff;
            code.putLong(raw);
            Optional<String> poison = object.poison(function, at);
            if (poison.isPresent()) {
                poison(code, slot, poison.get());
            } else if (opcode == CALL) {
                call(function, at, code, slot);
            } else if (opcode == WIDE) {
                wide(function, at, code, slot);
            }
        }
    }

    private void poison(ByteBuffer code, int slot, String reason) {
        poisons.put(slot, reason);
        code.putLong(slot * SLOT, CALL | 0xbad2310L << 32);
    }

    private void call(ObjectCode.Function function, int at, ByteBuffer code, int slot) {
        int source = code.get(slot * SLOT + 1) >> 4 & 0xf;
        Optional<ElfSymbol> symbol = object.relocation(function, at);
        if (symbol.filter(s -> !s.isDefined()).isPresent()) {
            Optional<String> name = object.kernelFunction(symbol.get());
            if (name.isEmpty()) {
                poison(
                        code,
                        slot,
                        "the kernel has no such function " + symbol.get().name());
            } else {
                code.put(slot * SLOT + 1, (byte) 0x20);
                kernelFunctions.put(slot, name.get());
            }
        } else if (source == 1) {
            int target = firstSlots.get(object.callee(function, at).orElseThrow());
            code.putInt(slot * SLOT + 4, target - slot - 1);
        }
    }

    private void wide(ObjectCode.Function function, int at, ByteBuffer code, int slot) {
        Optional<ObjectCode.Function> callee = object.callee(function, at);
        int dst = code.get(slot * SLOT + 1) & 0xf;
        if (callee.isPresent()) {
            code.put(slot * SLOT + 1, (byte) (dst | WideEncoding.FUNCTION << 4));
            code.putInt(slot * SLOT + 4, firstSlots.get(callee.get()) - slot - 1);
            return;
        }
        object.reference(function, at).ifPresent(wide -> {
            wides.put(slot, wide);
            code.put(slot * SLOT + 1, (byte) (dst | WideEncoding.MAP_FD << 4));
        });
    }

    private InsnList decode(byte[] code) {
        try {
            InsnList insns = InsnDecoder.decode(code, this);
            if (poisons.isEmpty()) {
                return insns;
            }
            List<Insn> explained = new ArrayList<>();
            int slot = 0;
            for (Insn insn : insns.insns()) {
                explained.add(poisons.containsKey(slot) ? new Insn.Poison(poisons.get(slot)) : insn);
                slot += insn.slots();
            }
            return InsnList.of(explained);
        } catch (InsnFormatException e) {
            throw new RefusedException(
                    LoadResult.Reason.BAD_INSTRUCTION, program, e.getMessage(), "compile with clang -target bpf");
        }
    }

    @Override
    public Optional<Wide> wide(WideEncoding encoded, int slot) {
        return Optional.ofNullable(wides.get(slot));
    }

    @Override
    public Optional<String> kernelFunction(KernelCall call, int slot) {
        return Optional.ofNullable(kernelFunctions.get(slot));
    }
}
