package graft.cli.policy;

import java.util.ArrayList;
import java.util.List;

/** Writes instructions of seccomp filters, whose branches go forward to labels. The number of the call is lost by loads. */
final class FilterWriter {
    private static final int ARGUMENTS = 16;
    private static final int HIGH = 4;
    private static final int FAR = 255;

    private final List<Draft> drafts = new ArrayList<>();

    /** A place that branches lead to. */
    static final class Label {
        private int place = -1;
    }

    private record Draft(int code, int constant, Label ifTrue, Label ifFalse, String note) {}

    Label label() {
        return new Label();
    }

    /** Behind the instruction that is written next. */
    Label next() {
        Label label = new Label();
        label.place = drafts.size() + 1;
        return label;
    }

    void here(Label label) {
        label.place = drafts.size();
    }

    private void add(int code, int constant, String note) {
        drafts.add(new Draft(code, constant, next(), next(), note));
    }

    void load(int offset, String note) {
        add(FilterInsn.LOAD, offset, note);
    }

    void result(int result) {
        result(result, "");
    }

    void result(int result, String note) {
        add(FilterInsn.RETURN, result, note);
    }

    void branch(int code, int constant, Label ifTrue, Label ifFalse) {
        drafts.add(new Draft(code, constant, ifTrue, ifFalse, ""));
    }

    void jump(Label to) {
        drafts.add(new Draft(FilterInsn.JUMP, 0, to, to, ""));
    }

    /** Goes on behind it when the condition holds, else to {@code failed}. */
    void require(Condition condition, Label failed) {
        Label held = label();
        long value = condition.value();
        int high = (int) (value >>> Integer.SIZE);
        int low = (int) value;
        boolean hasHigh = condition.mask() >>> Integer.SIZE != 0;
        switch (condition.comparison()) {
            case EQUAL -> {
                if (hasHigh) {
                    word(condition, HIGH);
                    branch(FilterInsn.IF_EQUAL, high, next(), failed);
                }
                word(condition, 0);
                branch(FilterInsn.IF_EQUAL, low, held, failed);
            }
            case DIFFERENT -> {
                if (hasHigh) {
                    word(condition, HIGH);
                    branch(FilterInsn.IF_EQUAL, high, next(), held);
                }
                word(condition, 0);
                branch(FilterInsn.IF_EQUAL, low, failed, held);
            }
            case LESS, AT_MOST -> {
                boolean mayEqual = condition.comparison() == Condition.Comparison.AT_MOST;
                if (hasHigh) {
                    word(condition, HIGH);
                    branch(FilterInsn.IF_AT_LEAST, high, next(), held);
                    branch(FilterInsn.IF_EQUAL, high, next(), failed);
                }
                word(condition, 0);
                branch(mayEqual ? FilterInsn.IF_GREATER : FilterInsn.IF_AT_LEAST, low, failed, held);
            }
            case GREATER, AT_LEAST -> {
                boolean mayEqual = condition.comparison() == Condition.Comparison.AT_LEAST;
                if (hasHigh) {
                    word(condition, HIGH);
                    branch(FilterInsn.IF_GREATER, high, held, next());
                    branch(FilterInsn.IF_EQUAL, high, next(), failed);
                }
                word(condition, 0);
                branch(mayEqual ? FilterInsn.IF_AT_LEAST : FilterInsn.IF_GREATER, low, held, failed);
            }
        }
        here(held);
    }

    private void word(Condition condition, int half) {
        int shift = half == HIGH ? Integer.SIZE : 0;
        int mask = (int) (condition.mask() >>> shift);
        int flip = (int) (condition.flip() >>> shift);
        load(ARGUMENTS + condition.source() * Long.BYTES + half, "");
        if (mask != -1) {
            add(FilterInsn.AND, mask, "");
        }
        if (flip != 0) {
            add(FilterInsn.XOR, flip, "");
        }
    }

    List<FilterInsn> insns() {
        List<FilterInsn> insns = new ArrayList<>();
        for (int at = 0; at < drafts.size(); at++) {
            Draft draft = drafts.get(at);
            int ifTrue = draft.ifTrue().place - at - 1;
            int ifFalse = draft.ifFalse().place - at - 1;
            if (draft.code() == FilterInsn.JUMP) {
                insns.add(new FilterInsn(draft.code(), 0, 0, ifTrue, draft.note()));
            } else if (ifTrue < 0 || ifFalse < 0 || Math.max(ifTrue, ifFalse) > FAR) {
                throw new AssertionError("a branch from " + at + " leads " + ifTrue + " or " + ifFalse);
            } else {
                insns.add(new FilterInsn(draft.code(), ifTrue, ifFalse, draft.constant(), draft.note()));
            }
        }
        return insns;
    }
}
