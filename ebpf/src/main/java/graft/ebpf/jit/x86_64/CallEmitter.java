package graft.ebpf.jit.x86_64;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Reg;
import graft.ebpf.jit.CompiledProgram.BelowContext;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.object.MapType;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Reach;
import graft.platform.asm.x86_64.Shift;
import graft.platform.asm.x86_64.X64Assembler;
import java.util.EnumSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Helper calls: a direct call of the agent, or a few instructions in place where the target's constants are known. */
final class CallEmitter {
    private final Emission emission;
    private final X64Assembler asm;
    private final TargetBinding binding;
    private final Set<BelowContext> inputs = EnumSet.noneOf(BelowContext.class);
    private boolean calledHelpers;

    CallEmitter(Emission emission, TargetBinding binding) {
        this.emission = emission;
        this.asm = emission.asm();
        this.binding = binding;
    }

    Set<BelowContext> inputs() {
        return inputs;
    }

    boolean calledHelpers() {
        return calledHelpers;
    }

    /** Whether the call needs no call instruction. The same answer decides whether a function is a leaf. */
    static boolean isInline(Helper helper, Optional<MapBinding> map, TargetBinding binding) {
        return switch (helper) {
            case GET_FUNC_IP, GET_ATTACH_COOKIE -> true;
            case GET_CURRENT_PID_TGID ->
                binding.tgid().isPresent() && binding.tidOffset().isPresent();
            case GET_SMP_PROCESSOR_ID -> binding.cpuOffset().isPresent();
            case MAP_LOOKUP_ELEM ->
                map.isPresent()
                        && map.get().type() == MapType.ARRAY
                        && map.get().data() != 0;
            case MAP_UPDATE_ELEM,
                    MAP_DELETE_ELEM,
                    PROBE_READ,
                    KTIME_GET_NS,
                    TRACE_PRINTK,
                    GET_PRANDOM_U32,
                    GET_CURRENT_UID_GID,
                    GET_CURRENT_COMM,
                    PROBE_READ_STR,
                    PROBE_READ_USER,
                    PROBE_READ_KERNEL,
                    PROBE_READ_USER_STR,
                    PROBE_READ_KERNEL_STR,
                    KTIME_GET_BOOT_NS,
                    RINGBUF_OUTPUT,
                    RINGBUF_RESERVE,
                    RINGBUF_SUBMIT,
                    RINGBUF_DISCARD,
                    RINGBUF_QUERY,
                    STRNCMP -> false;
        };
    }

    /** @param constantKey the key of a map lookup, when the code before shows it */
    void call(Helper helper, Optional<MapBinding> map, OptionalInt constantKey) {
        if (!isInline(helper, map, binding)) {
            callAgent(binding.helpers().get(helper));
            return;
        }
        Gpr result = emission.dst(Reg.R0);
        if (helper == Helper.GET_FUNC_IP) {
            belowContext(BelowContext.FUNCTION_IP, result);
        } else if (helper == Helper.GET_ATTACH_COOKIE) {
            belowContext(BelowContext.ATTACH_COOKIE, result);
        } else if (helper == Helper.GET_SMP_PROCESSOR_ID) {
            asm.mov(OpSize.D, result, Address.thread(binding.cpuOffset().orElseThrow()));
        } else if (helper == Helper.GET_CURRENT_PID_TGID) {
            pidTgid(result);
        } else if (constantKey.isPresent()) {
            valueAt(map.orElseThrow(), constantKey.getAsInt(), result);
        } else {
            arrayLookup(map.orElseThrow(), result);
        }
    }

    private void callAgent(long address) {
        emission.registers().useAllCallerSaved();
        calledHelpers = true;
        if (emission.reaches(address)) {
            asm.call(address);
        } else {
            asm.mov(Gpr.RAX, address);
            asm.call(Gpr.RAX);
        }
    }

    private void belowContext(BelowContext value, Gpr result) {
        inputs.add(value);
        asm.mov(OpSize.Q, result, emission.address(Reg.R1, value.offset()));
    }

    private void pidTgid(Gpr result) {
        Gpr scratch = emission.registers().use(RegisterMap.SCRATCH);
        asm.mov(OpSize.D, result, Address.thread(binding.tidOffset().orElseThrow()));
        asm.mov(scratch, (long) binding.tgid().orElseThrow() << 32);
        asm.op(Arith.OR, OpSize.Q, result, scratch);
    }

    private void valueAt(MapBinding map, int key, Gpr result) {
        if (Integer.compareUnsigned(key, map.maxEntries()) >= 0) {
            asm.op(Arith.XOR, OpSize.D, result, result);
        } else {
            emission.loadAddress(result, map.data() + (long) key * map.stride());
        }
    }

    /** r2 points to the key. */
    private void arrayLookup(MapBinding map, Gpr result) {
        Label missing = new Label("no such element");
        Label done = new Label("looked up");
        asm.mov(OpSize.D, result, emission.address(Reg.R2, 0));
        asm.op(Arith.CMP, OpSize.D, result, map.maxEntries());
        asm.jcc(Cond.AE, missing, Reach.SHORT);
        if (Integer.bitCount(map.stride()) == 1) {
            asm.op(Shift.SHL, OpSize.Q, result, Integer.numberOfTrailingZeros(map.stride()));
        } else {
            asm.imul(OpSize.Q, result, result, map.stride());
        }
        Gpr base = emission.registers().use(RegisterMap.SCRATCH);
        emission.loadAddress(base, map.data());
        asm.op(Arith.ADD, OpSize.Q, result, base);
        asm.jmp(done, Reach.SHORT);
        asm.bind(missing);
        asm.op(Arith.XOR, OpSize.D, result, result);
        asm.bind(done);
    }
}
