package graft.ebpf.jit.x86_64;

import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.maps.HashShape;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Reach;
import graft.platform.asm.x86_64.Shift;
import graft.platform.asm.x86_64.Unary;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.layout.BucketLayout;
import graft.platform.layout.ElementLayout;
import graft.platform.layout.HashLayout;
import graft.platform.layout.MapConstants;

/**
 * Lookups in hashes in place: the walk of the agent's {@code graft_hash_lookup} for a key in a register. It takes no lock,
 * starts again when its element was moved to another chain meanwhile, and gives up after more steps than any chain of a
 * sound map has, so that a map that was written over does not hold the thread.
 *
 * <pre>
 *   first scratch    steps that are left (high half), mark that ends this bucket's chain (low half)
 *   second scratch   address of the first element, then of the first value if they are in rows
 *   result           index of an element, its address, address of its value
 * </pre>
 */
final class HashEmitter {
    private static final int BUCKET_SHIFT = Integer.numberOfTrailingZeros(BucketLayout.SIZE);

    /** A walk has at most as many steps as there are elements; a moved element costs one walk more, which is rare. */
    private static final long MORE_STEPS = 100;

    private final Emission emission;
    private final X64Assembler asm;

    HashEmitter(Emission emission) {
        this.emission = emission;
        this.asm = emission.asm();
    }

    /** Where the code of one lookup goes on. */
    private record Places(Label walk, Label element, Label end, Label found, Label missing, Label done) {
        static Places fresh() {
            return new Places(
                    new Label("walk"),
                    new Label("element"),
                    new Label("end of chain"),
                    new Label("found"),
                    new Label("no such key"),
                    new Label("looked up"));
        }
    }

    void lookup(Op.HashLookup op) {
        MapBinding map = emission.binding().maps().get(op.map());
        HashShape shape = map.hash().orElseThrow();
        long header = map.data() - shape.elementsOffset();
        Gpr key = emission.of(op.key());
        Gpr result = emission.of(op.dst());
        Gpr mark = emission.use(Registers.SCRATCH);
        Gpr scratch = emission.use(Registers.SECOND);
        Places places = Places.fresh();
        mark(header, shape, key);
        asm.bind(places.walk());
        asm.mov(OpSize.D, result, mark);
        asm.op(Arith.AND, OpSize.D, result, shape.bucketMask());
        asm.op(Shift.SHL, OpSize.Q, result, BUCKET_SHIFT);
        emission.loadAddress(scratch, header + HashLayout.SIZE + BucketLayout.HEAD);
        asm.mov(OpSize.D, result, Address.at(scratch, result, 1, 0));
        emission.loadAddress(scratch, map.data());
        chain(shape, key, result, places);
        found(map, shape, op);
        asm.bind(places.done());
    }

    /** Hashes the key: the mark of its chain's end, and the steps. */
    private void mark(long header, HashShape shape, Gpr key) {
        Gpr mark = Registers.SCRATCH;
        Gpr scratch = Registers.SECOND;
        emission.loadAddress(scratch, header + HashLayout.SEED);
        asm.mov(OpSize.Q, mark, Address.at(scratch));
        asm.op(Arith.XOR, OpSize.Q, mark, key);
        asm.mov(scratch, MapConstants.HASH_FACTOR);
        asm.imul(OpSize.Q, mark, scratch);
        asm.mov(OpSize.Q, scratch, mark);
        asm.op(Shift.SHR, OpSize.Q, scratch, Integer.SIZE);
        asm.op(Arith.XOR, OpSize.D, mark, scratch);
        asm.op(Arith.AND, OpSize.D, mark, shape.bucketMask());
        asm.mov(scratch, shape.capacity() + MORE_STEPS << Integer.SIZE | MapConstants.HASH_END & 0xffffffffL);
        asm.op(Arith.OR, OpSize.Q, mark, scratch);
    }

    private void chain(HashShape shape, Gpr key, Gpr result, Places places) {
        Gpr mark = Registers.SCRATCH;
        Gpr elements = Registers.SECOND;
        OpSize size = shape.keySize() == Long.BYTES ? OpSize.Q : OpSize.D;
        asm.bind(places.element());
        asm.op(Arith.CMP, OpSize.D, result, shape.capacity());
        asm.jcc(Cond.AE, places.end(), Reach.SHORT);
        asm.imul(OpSize.Q, result, result, shape.elementSize());
        asm.op(Arith.ADD, OpSize.Q, result, elements);
        asm.op(Arith.CMP, size, key, Address.at(result, ElementLayout.SIZE));
        asm.jcc(Cond.E, places.found(), Reach.SHORT);
        asm.mov(OpSize.D, result, Address.at(result, ElementLayout.NEXT));
        step(places.element());
        asm.bind(places.missing());
        asm.op(Arith.XOR, OpSize.D, result, result);
        asm.jmp(places.done(), Reach.SHORT);
        asm.bind(places.end());
        asm.op(Arith.CMP, OpSize.D, result, mark);
        asm.jcc(Cond.E, places.missing(), Reach.SHORT);
        step(places.walk());
        asm.jmp(places.missing(), Reach.SHORT);
        asm.bind(places.found());
    }

    /** From the element to its value. */
    private void found(MapBinding map, HashShape shape, Op.HashLookup op) {
        Gpr result = emission.of(op.dst());
        shape.used().ifPresent(offset -> markUsed(Address.at(result, offset)));
        if (op.row().isEmpty() || shape.rows().isEmpty()) {
            asm.op(Arith.ADD, OpSize.Q, result, shape.valueOffset());
            return;
        }
        HashShape.Rows rows = shape.rows().get();
        asm.op(Arith.SUB, OpSize.Q, result, Registers.SECOND);
        asm.op(Shift.SHR, OpSize.Q, result, Integer.numberOfTrailingZeros(shape.elementSize()));
        asm.imul(OpSize.Q, result, result, rows.stride());
        emission.loadAddress(Registers.SECOND, map.data() - shape.elementsOffset() + rows.offset());
        asm.op(Arith.ADD, OpSize.Q, result, Registers.SECOND);
        asm.op(Arith.ADD, OpSize.Q, result, emission.of(op.row().get()));
    }

    /** The byte of an element that is used again and again is written once. */
    private void markUsed(Address used) {
        Label marked = new Label("marked as used");
        asm.op(Arith.CMP, OpSize.B, used, 0);
        asm.jcc(Cond.NE, marked, Reach.SHORT);
        asm.mov(OpSize.B, used, 1);
        asm.bind(marked);
    }

    /** Goes on at {@code next} if steps are left. */
    private void step(Label next) {
        Gpr mark = Registers.SCRATCH;
        asm.op(Shift.ROR, OpSize.Q, mark, Integer.SIZE);
        asm.op(Unary.DEC, OpSize.Q, mark);
        asm.op(Shift.ROR, OpSize.Q, mark, Integer.SIZE);
        asm.test(OpSize.Q, mark, mark);
        asm.jcc(Cond.NS, next, Reach.SHORT);
    }
}
