package graft.rewriter.stub;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.Locked;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.RegMem;
import graft.platform.asm.x86_64.Shift;
import graft.platform.asm.x86_64.Unary;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.layout.PoolConstants;
import graft.platform.layout.ReturnSlotLayout;
import graft.rewriter.Code;
import java.util.Optional;

/**
 * The two routines, one pair per pool, that keep return addresses of wrapped calls while the calls run.
 *
 * <p>The table is 512 sets of 8 slots, keyed by the address of the stack word that held the return address. No two live
 * calls share that word, so only the claim of a free slot needs an atomic store. Slots with an even number keep their key
 * when the call returns (the next call at the same depth finds it without one); slots with an odd number are freed.
 * A slot left by longjmp is overwritten when its stack word holds a return address again. Both routines preserve every
 * register; flags are dead at a function's entry and exit. They use the 128 bytes below the stack pointer, which the
 * kernel leaves alone when it delivers a signal.
 *
 * <p>A call that finds no free slot takes a word of a page of return addresses, where there are such pages: each is for one page
 * of a stack, and its words for the words of that. Who first uses one says so by an atomic store; it is for that page of a stack
 * from then on. So a recursion of any depth needs no more than as much memory again as its stack.
 *
 * <p>A function that a wrapped one tail jumps to finds one of our addresses in the stack word. The slot then takes that
 * one, marked and numbered, and what it held goes to a second table, whose keys say by 1 to 7 more bytes which of several such
 * addresses they mean; when that has no room, or the number is larger, to a page for words with this number. A call that finds
 * neither slot nor page, and the 65th function of a chain of tail jumps, is not wrapped and is counted in {@code missed_returns}.
 */
public final class ReturnRoutines {
    /** Both routines together are not longer. */
    public static final int MAX_BYTES = 2048;

    private static final int PAGE_BITS = 12;

    /** Stacks are often this many bytes long, as a power of 2: what is between has neighbouring pages. */
    private static final int STACK_BITS = 23;

    private static final int PAGES_MASK = PoolConstants.RETURN_PAGES - 1;

    /** How many pages are looked at, and how far they are from each other: far from where neighbours are. */
    private static final int PAGES_TRIED = 32;

    private static final int PAGES_APART = 2533;

    private static final int PAGE_WORDS_MASK = 0xff8;

    private static final int PAGE_KEYS_BYTES = PoolConstants.RETURN_PAGES * Long.BYTES;

    /** 2 to the 32nd by the golden ratio: frames of any one size, one behind the other, spread over all sets. */
    private static final int HASH = 0x61c88647;

    /** From the stack pointer down, below what {@link #saveMore} keeps: the number of an address, and the slot of its word. */
    private static final int TAIL = -48;

    private static final int SLOT = -56;

    private final RuntimeRegion runtime;
    private final Optional<RemoteAddress> pages;
    private final X64Assembler out;

    /** Where the routines begin. */
    public record Addresses(RemoteAddress claim, RemoteAddress release) {}

    /** The routines' bytes and where they begin. */
    public record Written(RemoteAddress address, Code code, Addresses addresses) {}

    private ReturnRoutines(RuntimeRegion runtime, Optional<RemoteAddress> pages, RemoteAddress address) {
        this.runtime = runtime;
        this.pages = pages;
        this.out = new X64Assembler(address.value());
    }

    /**
     * The routines for {@code address}.
     *
     * @param pages where the mapping with {@code RETURN_PAGES} is
     */
    public static Written write(RuntimeRegion runtime, Optional<RemoteAddress> pages, RemoteAddress address) {
        ReturnRoutines routines = new ReturnRoutines(runtime, pages, address);
        routines.claim();
        routines.out.align(16);
        RemoteAddress release = new RemoteAddress(routines.out.here());
        routines.release();
        return new Written(address, Code.of(routines.out.finish()), new Addresses(address, release));
    }

    /** Leaves ZF set when the return address is in the table, clear when the call is not to be wrapped. */
    private void claim() {
        Label refuse = new Label("refuse");
        Label found = new Label("found");
        Label claimed = new Label("claimed");
        Label missed = new Label("missed");
        Label tail = new Label("tail");
        out.op(Arith.CMP, OpSize.D, new Address.Absolute(runtime.active().value()), 0);
        out.jcc(Cond.E, refuse);
        save();
        findSet(runtime.returnSlots(), Gpr.R11, RuntimeRegion.RETURN_SET_MASK);
        out.mov(OpSize.Q, Gpr.R10, Address.at(Gpr.RSP, 8));
        returnsIntoPool();
        out.jcc(Cond.B, tail);
        stackWord();
        search("search", found);
        out.op(Arith.SUB, OpSize.Q, Gpr.R11, RuntimeRegion.RETURN_SET_BYTES);
        forEachSlot("free", Gpr.R11, () -> claimFree(claimed));
        findPage(WhenMissing.CLAIM, Words.RETURNS, found, missed);
        out.bind(missed);
        out.mov(OpSize.D, Gpr.RAX, 1);
        out.locked(
                Locked.ADD,
                OpSize.Q,
                new Address.Absolute(runtime.missedReturns().value()),
                Gpr.RAX);
        restore();
        out.bind(refuse);
        out.op(Arith.CMP, OpSize.Q, Gpr.RSP, 0);
        out.plain(Plain.RET);
        Label abandoned = new Label("abandoned");
        out.bind(found);
        out.op(Arith.CMP, OpSize.Q, Address.at(Gpr.R11, ReturnSlotLayout.ADDRESS), 0);
        out.jcc(Cond.S, abandoned);
        out.bind(claimed);
        out.mov(OpSize.Q, Gpr.R10, Address.at(Gpr.RSP, 8));
        out.mov(OpSize.Q, Address.at(Gpr.R11, ReturnSlotLayout.ADDRESS), Gpr.R10);
        restore();
        out.op(Arith.CMP, OpSize.Q, Gpr.RSP, Gpr.RSP);
        out.plain(Plain.RET);
        out.bind(tail);
        claimTail(missed);
        out.bind(abandoned);
        forgetTails(claimed);
    }

    /** The stack word holds an address of ours: the slot takes it, and its own goes to a tail slot or a page. */
    private void claimTail(Label missed) {
        Label found = new Label("tail-found");
        Label free = new Label("tail-free");
        Label full = new Label("tail-full");
        Label elsewhere = new Label("tail-elsewhere");
        Label inPage = new Label("tail-in a page");
        stackWord();
        search("tail-search", found);
        findPage(WhenMissing.GIVE_UP, Words.RETURNS, found, missed);
        out.bind(found);
        saveMore();
        out.mov(OpSize.Q, Gpr.R10, Address.at(Gpr.R11, ReturnSlotLayout.ADDRESS));
        numberOfTail();
        out.op(Unary.INC, OpSize.Q, Gpr.RCX);
        out.op(Arith.CMP, OpSize.Q, Gpr.RCX, PoolConstants.TAILS);
        out.jcc(Cond.AE, full);
        findTailSlots(elsewhere);
        forEachSlot("tail-claim", Gpr.RDX, () -> {
            out.mov(OpSize.D, Gpr.RAX, 0);
            out.locked(Locked.CMPXCHG, OpSize.Q, Address.at(Gpr.RDX, ReturnSlotLayout.SLOT), Gpr.RCX);
            out.jcc(Cond.E, free);
        });
        out.bind(elsewhere);
        restoreMore();
        findPage(WhenMissing.CLAIM, Words.TAILS, inPage, missed);
        out.bind(full);
        restoreMore();
        out.jmp(missed);
        out.bind(inPage);
        saveMore();
        out.mov(OpSize.Q, (RegMem) Gpr.RDX, Gpr.R11);
        out.mov(OpSize.Q, Gpr.R11, Address.at(Gpr.RSP, SLOT));
        out.bind(free);
        out.mov(OpSize.Q, Gpr.R10, Address.at(Gpr.R11, ReturnSlotLayout.ADDRESS));
        out.mov(OpSize.Q, Address.at(Gpr.RDX, ReturnSlotLayout.ADDRESS), Gpr.R10);
        out.mov(OpSize.Q, Gpr.RCX, Address.at(Gpr.RSP, TAIL));
        out.op(Shift.SHL, OpSize.Q, Gpr.RCX, PoolConstants.TAIL_BIT);
        out.mov(Gpr.R10, PoolConstants.TAKEN_OVER);
        out.op(Arith.OR, OpSize.Q, (RegMem) Gpr.R10, Gpr.RCX);
        out.op(Arith.OR, OpSize.Q, Gpr.R10, Address.at(Gpr.RSP, 8));
        out.mov(OpSize.Q, Address.at(Gpr.R11, ReturnSlotLayout.ADDRESS), Gpr.R10);
        restoreMore();
        restore();
        out.op(Arith.CMP, OpSize.Q, Gpr.RSP, Gpr.RSP);
        out.plain(Plain.RET);
    }

    /** rcx becomes the number in the kept address r10, 0 when it is the original one. */
    private void numberOfTail() {
        out.mov(OpSize.Q, (RegMem) Gpr.RCX, Gpr.R10);
        out.op(Shift.SHR, OpSize.Q, Gpr.RCX, PoolConstants.TAIL_BIT);
        out.op(Arith.AND, OpSize.D, Gpr.RCX, PoolConstants.TAILS - 1);
    }

    /**
     * Keeps the number rcx and the slot r11. rdx becomes the first tail slot that may have that number of the stack word, rcx its
     * key; goes to {@code elsewhere} when the number is too large for keys.
     */
    private void findTailSlots(Label elsewhere) {
        out.mov(OpSize.Q, Address.at(Gpr.RSP, TAIL), Gpr.RCX);
        out.mov(OpSize.Q, Address.at(Gpr.RSP, SLOT), Gpr.R11);
        out.op(Arith.CMP, OpSize.D, Gpr.RCX, Long.BYTES);
        out.jcc(Cond.AE, elsewhere);
        findSet(runtime.tailSlots(), Gpr.RDX, RuntimeRegion.TAIL_SET_MASK);
        out.op(Arith.ADD, OpSize.Q, (RegMem) Gpr.RCX, Gpr.RAX);
    }

    /** A chain that longjmp has left behind in the slot at r11 ends, and the slot is claimed anew. */
    private void forgetTails(Label claimed) {
        saveMore();
        findSet(runtime.tailSlots(), Gpr.RDX, RuntimeRegion.TAIL_SET_MASK);
        forEachSlot(
                "forget",
                Gpr.RDX,
                () -> ifTailOfThisWord("forget-next", () -> {
                    out.mov(OpSize.Q, Address.at(Gpr.RDX, ReturnSlotLayout.ADDRESS), 0);
                    out.mov(OpSize.Q, Address.at(Gpr.RDX, ReturnSlotLayout.SLOT), 0);
                }));
        restoreMore();
        out.jmp(claimed);
    }

    private void ifTailOfThisWord(String name, Runnable body) {
        Label next = new Label(name);
        out.mov(OpSize.Q, Gpr.R10, Address.at(Gpr.RDX, ReturnSlotLayout.SLOT));
        out.op(Arith.AND, OpSize.Q, Gpr.R10, -8);
        out.op(Arith.CMP, OpSize.Q, (RegMem) Gpr.R10, Gpr.RAX);
        out.jcc(Cond.NE, next);
        body.run();
        out.bind(next);
    }

    private void claimFree(Label found) {
        Label taken = new Label("taken");
        out.op(Arith.CMP, OpSize.Q, Address.at(Gpr.R11, ReturnSlotLayout.SLOT), 0);
        out.jcc(Cond.NE, taken);
        out.lea(OpSize.Q, Gpr.R10, Address.at(Gpr.RSP, 8));
        out.mov(OpSize.D, Gpr.RAX, 0);
        out.locked(Locked.CMPXCHG, OpSize.Q, Address.at(Gpr.R11, ReturnSlotLayout.SLOT), Gpr.R10);
        out.jcc(Cond.E, found);
        out.bind(taken);
    }

    /** Puts the return address back into its stack word, the eight bytes above the stub's return address. */
    private void release() {
        Label found = new Label("held");
        Label kept = new Label("kept");
        Label takenOver = new Label("taken-over");
        save();
        findSet(runtime.returnSlots(), Gpr.R11, RuntimeRegion.RETURN_SET_MASK);
        search("held-search", found);
        Label inPage = new Label("in a page");
        Label lost = new Label("lost");
        findPage(WhenMissing.GIVE_UP, Words.RETURNS, inPage, lost);
        out.bind(lost);
        // Only foreign writes to the table lead here; there is no return address left to go to.
        out.plain(Plain.UD2);
        out.bind(inPage);
        out.mov(OpSize.Q, Gpr.R10, Address.at(Gpr.R11, ReturnSlotLayout.ADDRESS));
        out.test(OpSize.Q, Gpr.R10, Gpr.R10);
        out.jcc(Cond.E, lost);
        out.jcc(Cond.S, takenOver);
        out.mov(OpSize.Q, Address.at(Gpr.RSP, 8), Gpr.R10);
        out.mov(OpSize.Q, Address.at(Gpr.R11, ReturnSlotLayout.ADDRESS), 0);
        out.jmp(kept);
        out.bind(found);
        out.mov(OpSize.Q, Gpr.R10, Address.at(Gpr.R11, ReturnSlotLayout.ADDRESS));
        out.test(OpSize.Q, Gpr.R10, Gpr.R10);
        out.jcc(Cond.S, takenOver);
        out.mov(OpSize.Q, Address.at(Gpr.RSP, 8), Gpr.R10);
        out.mov(OpSize.Q, Address.at(Gpr.R11, ReturnSlotLayout.ADDRESS), 0);
        out.test(OpSize.D, Gpr.R11, RuntimeRegion.RETURN_SLOT_BYTES);
        out.jcc(Cond.E, kept);
        out.mov(OpSize.Q, Address.at(Gpr.R11, ReturnSlotLayout.SLOT), 0);
        out.bind(kept);
        restore();
        out.plain(Plain.RET);
        out.bind(takenOver);
        releaseTail();
    }

    /** r10 is our address, marked and numbered; the slot at r11 gets back what it held before. */
    private void releaseTail() {
        Label found = new Label("tail-held");
        Label elsewhere = new Label("tail-held elsewhere");
        Label inPage = new Label("tail-held in a page");
        Label lost = new Label("tail-lost");
        saveMore();
        numberOfTail();
        out.op(Shift.SHL, OpSize.Q, Gpr.R10, Long.SIZE - PoolConstants.TAIL_BIT);
        out.op(Shift.SHR, OpSize.Q, Gpr.R10, Long.SIZE - PoolConstants.TAIL_BIT);
        out.mov(OpSize.Q, Address.at(Gpr.RSP, 8), Gpr.R10);
        findTailSlots(elsewhere);
        forEachSlot("tail-held-search", Gpr.RDX, () -> {
            out.op(Arith.CMP, OpSize.Q, Address.at(Gpr.RDX, ReturnSlotLayout.SLOT), Gpr.RCX);
            out.jcc(Cond.E, found);
        });
        out.bind(elsewhere);
        restoreMore();
        findPage(WhenMissing.GIVE_UP, Words.TAILS, inPage, lost);
        out.bind(lost);
        out.plain(Plain.UD2);
        out.bind(inPage);
        out.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.R11, ReturnSlotLayout.ADDRESS));
        out.test(OpSize.Q, Gpr.RAX, Gpr.RAX);
        out.jcc(Cond.E, lost);
        out.mov(OpSize.Q, Gpr.R10, Address.at(Gpr.RSP, SLOT));
        out.mov(OpSize.Q, Address.at(Gpr.R10, ReturnSlotLayout.ADDRESS), Gpr.RAX);
        out.mov(OpSize.Q, Address.at(Gpr.R11, ReturnSlotLayout.ADDRESS), 0);
        restore();
        out.plain(Plain.RET);
        out.bind(found);
        out.mov(OpSize.Q, Gpr.R10, Address.at(Gpr.RDX, ReturnSlotLayout.ADDRESS));
        out.mov(OpSize.Q, Address.at(Gpr.R11, ReturnSlotLayout.ADDRESS), Gpr.R10);
        out.mov(OpSize.Q, Address.at(Gpr.RDX, ReturnSlotLayout.ADDRESS), 0);
        out.mov(OpSize.Q, Address.at(Gpr.RDX, ReturnSlotLayout.SLOT), 0);
        restoreMore();
        restore();
        out.plain(Plain.RET);
    }

    /** Goes to {@code found} with r11 at the slot of the word that rax points to, or on behind the set. */
    private void search(String name, Label found) {
        forEachSlot(name, Gpr.R11, () -> {
            out.op(Arith.CMP, OpSize.Q, Address.at(Gpr.R11, ReturnSlotLayout.SLOT), Gpr.RAX);
            out.jcc(Cond.E, found);
        });
    }

    private enum WhenMissing {
        /** The first page that is for none becomes the one. */
        CLAIM,
        /** It is not there. */
        GIVE_UP
    }

    private enum Words {
        /** What stack words held when their calls were wrapped. */
        RETURNS,
        /** What they held before a tail jump, with the number that is kept below the stack pointer. */
        TAILS
    }

    /**
     * Goes to {@code found} with r11 at what ends in the word for the stack word, as slots do, or to {@code none}. Before the
     * word there is no key.
     */
    private void findPage(WhenMissing missing, Words words, Label found, Label none) {
        if (pages.isEmpty()) {
            out.jmp(none);
            return;
        }
        Label again = new Label("page");
        Label next = new Label("next page");
        Label hit = new Label("page found");
        saveMore();
        out.mov(Gpr.R11, pages.get().value());
        stackWord();
        out.mov(OpSize.Q, (RegMem) Gpr.RCX, Gpr.RAX);
        out.op(Shift.SHR, OpSize.Q, Gpr.RCX, PAGE_BITS);
        out.mov(OpSize.Q, (RegMem) Gpr.RDX, Gpr.RAX);
        out.op(Shift.SHR, OpSize.Q, Gpr.RDX, STACK_BITS);
        out.imul(OpSize.D, Gpr.RDX, Gpr.RDX, HASH);
        out.op(Arith.ADD, OpSize.D, (RegMem) Gpr.RDX, Gpr.RCX);
        if (words == Words.TAILS) {
            out.mov(OpSize.Q, Gpr.R10, Address.at(Gpr.RSP, TAIL));
            out.imul(OpSize.D, Gpr.RAX, Gpr.R10, PoolConstants.TAIL_PAGES_APART);
            out.op(Arith.ADD, OpSize.D, (RegMem) Gpr.RDX, Gpr.RAX);
            out.op(Shift.SHL, OpSize.Q, Gpr.R10, PoolConstants.TAIL_PAGE_BIT);
            out.op(Arith.OR, OpSize.Q, (RegMem) Gpr.RCX, Gpr.R10);
        }
        out.mov(Gpr.R10, PAGES_TRIED);
        out.bind(again);
        out.op(Arith.AND, OpSize.D, Gpr.RDX, PAGES_MASK);
        Address key = Address.at(Gpr.R11, Gpr.RDX, Long.BYTES, 0);
        out.mov(OpSize.Q, Gpr.RAX, key);
        out.op(Arith.CMP, OpSize.Q, (RegMem) Gpr.RAX, Gpr.RCX);
        out.jcc(Cond.E, hit);
        Label unknown = new Label("page unknown");
        out.test(OpSize.Q, Gpr.RAX, Gpr.RAX);
        switch (missing) {
            case CLAIM -> {
                out.jcc(Cond.NE, next);
                claimPage(key, hit);
            }
            case GIVE_UP -> out.jcc(Cond.E, unknown);
        }
        out.bind(next);
        out.op(Arith.ADD, OpSize.D, Gpr.RDX, PAGES_APART);
        out.op(Unary.DEC, OpSize.D, Gpr.R10);
        out.jcc(Cond.NE, again);
        out.bind(unknown);
        restoreMore();
        out.jmp(none);
        out.bind(hit);
        out.op(Shift.SHL, OpSize.Q, Gpr.RDX, PAGE_BITS);
        out.op(Arith.ADD, OpSize.Q, (RegMem) Gpr.R11, Gpr.RDX);
        stackWord();
        out.mov(OpSize.D, (RegMem) Gpr.RDX, Gpr.RAX);
        out.op(Arith.AND, OpSize.D, Gpr.RDX, PAGE_WORDS_MASK);
        out.lea(OpSize.Q, Gpr.R11, Address.at(Gpr.R11, Gpr.RDX, 1, PAGE_KEYS_BYTES - ReturnSlotLayout.ADDRESS));
        restoreMore();
        out.jmp(found);
    }

    /** rax is 0. Goes to {@code hit} when the key is rcx, and on when it is another one's. */
    private void claimPage(Address key, Label hit) {
        Label taken = new Label("page taken");
        out.locked(Locked.CMPXCHG, OpSize.Q, key, Gpr.RCX);
        out.jcc(Cond.NE, taken);
        out.mov(OpSize.D, Gpr.RAX, 1);
        out.locked(
                Locked.ADD,
                OpSize.Q,
                new Address.Absolute(runtime.returnPagesUsed().value()),
                Gpr.RAX);
        out.jmp(hit);
        out.bind(taken);
        out.op(Arith.CMP, OpSize.Q, (RegMem) Gpr.RAX, Gpr.RCX);
        out.jcc(Cond.E, hit);
    }

    private void save() {
        out.mov(OpSize.Q, Address.at(Gpr.RSP, -8), Gpr.RAX);
        out.mov(OpSize.Q, Address.at(Gpr.RSP, -16), Gpr.R10);
        out.mov(OpSize.Q, Address.at(Gpr.RSP, -24), Gpr.R11);
    }

    private void restore() {
        out.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, -8));
        out.mov(OpSize.Q, Gpr.R10, Address.at(Gpr.RSP, -16));
        out.mov(OpSize.Q, Gpr.R11, Address.at(Gpr.RSP, -24));
    }

    private void saveMore() {
        out.mov(OpSize.Q, Address.at(Gpr.RSP, -32), Gpr.RCX);
        out.mov(OpSize.Q, Address.at(Gpr.RSP, -40), Gpr.RDX);
    }

    private void restoreMore() {
        out.mov(OpSize.Q, Gpr.RCX, Address.at(Gpr.RSP, -32));
        out.mov(OpSize.Q, Gpr.RDX, Address.at(Gpr.RSP, -40));
    }

    /** rax becomes the address of the word that holds, or held, the return address. */
    private void stackWord() {
        out.lea(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, 8));
    }

    /** {@code set} becomes the first slot of the set of that word, rax its address; changes r10. */
    private void findSet(RemoteAddress table, Gpr set, int mask) {
        stackWord();
        out.imul(OpSize.D, Gpr.R10, Gpr.RAX, HASH);
        out.op(Shift.SHR, OpSize.D, Gpr.R10, 16);
        out.op(Arith.AND, OpSize.D, Gpr.R10, mask);
        out.lea(OpSize.Q, set, new Address.Absolute(table.value()));
        out.op(Arith.ADD, OpSize.Q, (RegMem) set, Gpr.R10);
    }

    /** CF set when r10 is an address in the pool; changes rax. */
    private void returnsIntoPool() {
        out.lea(OpSize.Q, Gpr.RAX, new Address.Absolute(runtime.pool().value()));
        out.op(Arith.SUB, OpSize.Q, (RegMem) Gpr.R10, Gpr.RAX);
        out.op(Arith.CMP, OpSize.Q, Gpr.R10, Math.toIntExact(runtime.poolSize()));
    }

    private void forEachSlot(String name, Gpr slot, Runnable body) {
        Label again = new Label(name);
        out.bind(again);
        body.run();
        out.op(Arith.ADD, OpSize.Q, slot, RuntimeRegion.RETURN_SLOT_BYTES);
        out.test(OpSize.D, slot, RuntimeRegion.RETURN_SET_BYTES - RuntimeRegion.RETURN_SLOT_BYTES);
        out.jcc(Cond.NE, again);
    }
}
