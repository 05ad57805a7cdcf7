package graft.platform.elf;

import graft.platform.elf.ExceptionFrames.Common;
import graft.platform.elf.ExceptionFrames.Function;
import graft.platform.elf.ExceptionFrames.Program;
import graft.platform.elf.FrameState.Column;
import graft.platform.elf.FrameState.How;
import graft.platform.elf.FrameState.Place;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Runs the instructions of {@code .eh_frame} that describe a function's frames: DWARF 5 §6.4.2 and the GNU additions. */
final class FrameProgram {
    private static final int OPERAND = 0x3f;
    private static final int RETURN_COLUMN = 16;

    private final DwarfCursor cursor;
    private final Map<Common, FrameState> beginnings = new HashMap<>();
    private final Deque<FrameState> remembered = new ArrayDeque<>();
    private Common common;
    private FrameState beginning;
    private FrameState state;
    private long location;

    FrameProgram(ElfFile file, ElfSection frames) {
        this.cursor = new DwarfCursor(file, frames);
    }

    /** Is told what holds from an instruction on; of several for one, the last counts. */
    interface Rows {
        void from(long address, FrameRule rule);
    }

    /** Tells the rows of one function, ascending. */
    void run(Function function, Rows rows) {
        common = function.common();
        beginning = FrameState.START;
        beginning = beginnings.computeIfAbsent(common, this::begin);
        state = beginning;
        remembered.clear();
        location = function.start();
        cursor.seek(function.program().start());
        long end = function.start() + function.size();
        while (cursor.address() < function.program().end() && Long.compareUnsigned(location, end) < 0) {
            long before = location;
            FrameRule rule = state.rule();
            if (!step(cursor.u8())) {
                rows.from(location, FrameRule.UNKNOWN);
                return;
            }
            if (location != before) {
                rows.from(before, rule);
            }
        }
        if (Long.compareUnsigned(location, end) < 0) {
            rows.from(location, state.rule());
        }
    }

    private FrameState begin(Common of) {
        Program program = of.program();
        state = FrameState.START;
        if (of.returnColumn() != RETURN_COLUMN) {
            return state;
        }
        cursor.seek(program.start());
        while (cursor.address() < program.end()) {
            if (!step(cursor.u8())) {
                return FrameState.START;
            }
        }
        return state;
    }

    /** One instruction; false when it is unknown. */
    private boolean step(int opcode) {
        int operand = opcode & OPERAND;
        switch (opcode >>> 6) {
            case 1 -> advance(operand);
            case 2 -> put(operand, inFrame(cursor.uleb() * common.dataUnit()));
            case 3 -> restore(operand);
            default -> {
                return extended(operand);
            }
        }
        return true;
    }

    private boolean extended(int opcode) {
        switch (opcode) {
            case 0x00 -> {
                // DW_CFA_nop
            }
            case 0x01 -> location = cursor.pointer(common.codeEncoding());
            case 0x02 -> advance(cursor.u8());
            case 0x03 -> advance(cursor.value(0x02));
            case 0x04 -> advance(cursor.u32());
            case 0x0a -> remembered.push(state);
            case 0x0b -> {
                if (remembered.isEmpty()) {
                    return false;
                }
                state = remembered.pop();
            }
            case 0x0c -> frameAddress(cursor.uleb(), cursor.uleb());
            case 0x0d -> frameAddress(cursor.uleb(), state.address().offset());
            case 0x0e -> frameAddress(state.address().register(), cursor.uleb());
            case 0x0f -> state = state.with(expression());
            case 0x12 -> frameAddress(cursor.uleb(), cursor.sleb() * common.dataUnit());
            case 0x13 -> frameAddress(state.address().register(), cursor.sleb() * common.dataUnit());
            case 0x2e -> cursor.uleb(); // DW_CFA_GNU_args_size
            default -> {
                return register(opcode);
            }
        }
        return true;
    }

    /** Instructions about one register, which they begin with. */
    private boolean register(int opcode) {
        if (opcode > 0x16 && opcode != 0x2f) {
            return false;
        }
        long register = cursor.uleb();
        switch (opcode) {
            case 0x05 -> put(register, inFrame(cursor.uleb() * common.dataUnit()));
            case 0x06 -> restore(register);
            case 0x07 -> put(register, Place.UNDEFINED);
            case 0x08 -> put(register, Place.SAME);
            case 0x10 -> put(register, expressed());
            case 0x11 -> put(register, inFrame(cursor.sleb() * common.dataUnit()));
            case 0x2f -> put(register, inFrame(-cursor.uleb() * common.dataUnit()));
            case 0x09, 0x14 -> {
                cursor.uleb();
                put(register, Place.UNKNOWN);
            }
            case 0x15 -> {
                cursor.sleb();
                put(register, Place.UNKNOWN);
            }
            case 0x16 -> {
                cursor.seek(blockEnd());
                put(register, Place.UNKNOWN);
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    private void advance(long units) {
        location += units * common.codeUnit();
    }

    private void frameAddress(long register, long offset) {
        boolean known = register >= 0 && register < RETURN_COLUMN && offset == (int) offset;
        state = state.with(
                known
                        ? new FrameRule(
                                FrameRule.Kind.REGISTER, (int) register, (int) offset, 0, FrameRule.Saved.UNCHANGED, 0)
                        : FrameRule.UNKNOWN);
    }

    private FrameRule expression() {
        long end = blockEnd();
        Optional<FrameRule> rule = FrameExpression.frameAddress(cursor, end);
        cursor.seek(end);
        return rule.orElse(FrameRule.UNKNOWN);
    }

    private Place expressed() {
        long end = blockEnd();
        Optional<FrameExpression.Sum> sum = FrameExpression.address(cursor, end);
        cursor.seek(end);
        return sum.filter(at -> at.register() == FrameRule.RBP || at.register() == FrameRule.RSP)
                .map(at -> new Place(at.register() == FrameRule.RBP ? How.AT_RBP : How.AT_RSP, at.offset()))
                .orElse(Place.UNKNOWN);
    }

    private long blockEnd() {
        long bytes = cursor.uleb();
        return cursor.address() + bytes;
    }

    private static Place inFrame(long offset) {
        return offset == (int) offset ? new Place(How.AT_FRAME, (int) offset) : Place.UNKNOWN;
    }

    private void put(long register, Place place) {
        column(register).ifPresent(column -> state = state.with(column, place));
    }

    private void restore(long register) {
        column(register).ifPresent(column -> state = state.with(column, beginning.at(column)));
    }

    private static Optional<Column> column(long register) {
        if (register == FrameRule.RBP) {
            return Optional.of(Column.RBP);
        }
        if (register == FrameRule.RSP) {
            return Optional.of(Column.RSP);
        }
        return register == RETURN_COLUMN ? Optional.of(Column.RETURNS) : Optional.empty();
    }
}
