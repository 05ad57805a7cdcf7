package graft.cli.fuzz;

import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Wide;
import graft.ebpf.interp.Environment;
import graft.ebpf.interp.Interpreter;
import graft.ebpf.interp.ProgramFault;
import graft.ebpf.interp.Regions;
import java.util.Optional;

/**
 * Runs a program in the interpreter, with memory that ends where the program's objects end: an access that is not safe
 * faults. The kernel is now and then less exact about bounds than graft; this tells such programs from unsafe ones.
 */
final class SafetyRun {
    private static final long STACK_END = 0x7000_0000L;
    private static final int STACK_BYTES = 8 * Interpreter.FRAME_BYTES;
    private static final long CONTEXT = 0x1000_0000L;
    private static final int CONTEXT_BYTES = 168;
    private static final long VALUE = 0x2000_0000L;
    private static final long RECORD = 0x3000_0000L;
    private static final int STEPS = 200_000;
    private static final int ROUNDS = 500;

    /** What a program takes for the address of the array. */
    private static final long ARRAY = 1;

    private final InsnList insns;

    SafetyRun(InsnList insns) {
        this.insns = insns;
    }

    /** What goes wrong in one of {@code runs} runs with different inputs. */
    Optional<String> fault(int runs) {
        for (int seed = 0; seed < runs; seed++) {
            Optional<String> fault = run(new Choice(seed));
            if (fault.isPresent()) {
                return fault;
            }
        }
        return Optional.empty();
    }

    private Optional<String> run(Choice choose) {
        byte[] context = new byte[CONTEXT_BYTES];
        choose.fill(context);
        byte[] value = new byte[SafetyStatements.VALUE_BYTES];
        choose.fill(value);
        Regions regions = new Regions()
                .add(STACK_END - STACK_BYTES, new byte[STACK_BYTES])
                .add(CONTEXT, context)
                .add(VALUE, value)
                .add(RECORD, new byte[SafetyStatements.VALUE_BYTES]);
        try {
            Given given = new Given(choose, regions);
            new Interpreter(insns, regions, given).withRounds(ROUNDS).run(CONTEXT, STACK_END, STEPS);
            return given.held == 0 ? Optional.empty() : Optional.of(given.held + " records are not given back");
        } catch (ProgramFault fault) {
            return Optional.of(fault.getMessage());
        }
    }

    /** Every lookup finds a value or none, numbers are anything. */
    private static final class Given implements Environment {
        private final Choice choose;
        private final Regions regions;
        private int held;

        Given(Choice choose, Regions regions) {
            this.choose = choose;
            this.regions = regions;
        }

        @Override
        public long call(int number, long[] arguments, Functions functions) {
            return switch (number) {
                case SafetyStatements.LOOKUP -> found(arguments[0], regions.read(arguments[1], MemSize.W));
                case SafetyStatements.RANDOM -> choose.below(4);
                case SafetyStatements.RESERVE -> reserved();
                case SafetyStatements.SUBMIT -> {
                    held--;
                    yield 0;
                }
                default -> filled(arguments[0], arguments[1]);
            };
        }

        /** An array has all its values, and no others. */
        private long found(long map, long key) {
            boolean there = map == ARRAY ? key < SafetyStatements.ENTRIES : !choose.oneIn(4);
            return there ? VALUE : 0;
        }

        private long reserved() {
            if (choose.oneIn(4)) {
                return 0;
            }
            held++;
            return RECORD;
        }

        private long filled(long address, long bytes) {
            for (long at = 0; at < bytes; at++) {
                regions.write(address + at, MemSize.B, choose.below(256));
            }
            return choose.oneIn(2) ? 0 : -14;
        }

        @Override
        public long resolve(Wide value) {
            return switch (value) {
                case Wide.MapValue(var _, var offset) -> VALUE + offset;
                case Wide.Constant(var constant) -> constant;
                case Wide.MapPointer(String name) -> name.equals(SafetyStatements.ARRAY) ? ARRAY : 0;
                case Wide.Function _, Wide.KernelSymbol _ -> 0;
            };
        }
    }
}
