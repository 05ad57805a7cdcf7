package graft.ebpf.interp;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.MemSize;
import graft.platform.layout.DynptrLayout;
import graft.platform.layout.MapConstants;
import graft.platform.layout.NumbersLayout;
import java.util.Arrays;
import java.util.OptionalLong;

/** Helpers whose objects are on the program's stack: dynptrs, and the iterator over numbers. Records come from the environment. */
final class StackObjects {
    private static final int E2BIG = 7;
    private static final int EINVAL = 22;
    private static final int ERANGE = 34;
    private static final int MAX_LOOPS = 8 << 20;

    private final Memory memory;
    private final Environment environment;

    StackObjects(Memory memory, Environment environment) {
        this.memory = memory;
        this.environment = environment;
    }

    /** Performs a helper on r1 to r5; nothing when it is not one of these. */
    OptionalLong call(Helper helper, long[] r) {
        return switch (helper) {
            case SPIN_LOCK -> OptionalLong.of(set(r[0], 1));
            case SPIN_UNLOCK -> OptionalLong.of(set(r[0], 0));
            case DYNPTR_FROM_MEM -> OptionalLong.of(fromMemory(r[0], (int) r[1], r[2], r[3]));
            case RINGBUF_RESERVE_DYNPTR -> OptionalLong.of(reserve(r[0], (int) r[1], r[2], new Dynptr(r[3])));
            case RINGBUF_SUBMIT_DYNPTR -> OptionalLong.of(finish(Helper.RINGBUF_SUBMIT, new Dynptr(r[0]), r[1]));
            case RINGBUF_DISCARD_DYNPTR -> OptionalLong.of(finish(Helper.RINGBUF_DISCARD, new Dynptr(r[0]), r[1]));
            case DYNPTR_READ -> OptionalLong.of(read(r[0], (int) r[1], new Dynptr(r[2]), (int) r[3], r[4]));
            case DYNPTR_WRITE -> OptionalLong.of(write(new Dynptr(r[0]), (int) r[1], r[2], (int) r[3], r[4]));
            case DYNPTR_DATA -> OptionalLong.of(new Dynptr(r[0]).writable((int) r[1], (int) r[2]));
            case DYNPTR_SLICE -> OptionalLong.of(new Dynptr(r[0]).at((int) r[1], (int) r[3]));
            case DYNPTR_SLICE_RDWR -> OptionalLong.of(new Dynptr(r[0]).writable((int) r[1], (int) r[3]));
            case DYNPTR_ADJUST -> OptionalLong.of(adjust(new Dynptr(r[0]), (int) r[1], (int) r[2]));
            case DYNPTR_IS_NULL -> OptionalLong.of(new Dynptr(r[0]).isNull() ? 1 : 0);
            case DYNPTR_IS_RDONLY -> OptionalLong.of(new Dynptr(r[0]).isReadOnly() ? 1 : 0);
            case DYNPTR_SIZE -> {
                Dynptr dynptr = new Dynptr(r[0]);
                yield OptionalLong.of(Integer.toUnsignedLong(dynptr.isNull() ? -EINVAL : dynptr.length()));
            }
            case DYNPTR_CLONE -> OptionalLong.of(copy(new Dynptr(r[0]), new Dynptr(r[1])));
            case ITER_NUM_NEW -> OptionalLong.of(numbers(r[0], (int) r[1], (int) r[2]));
            case ITER_NUM_NEXT -> OptionalLong.of(nextNumber(r[0]));
            case ITER_NUM_DESTROY -> OptionalLong.of(setNumbers(r[0], 0, 0, 0));
            default -> OptionalLong.empty();
        };
    }

    /** Nobody else is there. */
    private long set(long lock, int word) {
        memory.write(lock, MemSize.W, word);
        return 0;
    }

    private long reserve(long map, int size, long flags, Dynptr dynptr) {
        if (flags != 0 || isTooLarge(size)) {
            return dynptr.set(0, 0, flags != 0 ? -EINVAL : -E2BIG);
        }
        long sample = ring(Helper.RINGBUF_RESERVE, map, Integer.toUnsignedLong(size), 0);
        return sample == 0 ? dynptr.set(0, 0, -EINVAL) : dynptr.set(sample, size, 0);
    }

    private long finish(Helper how, Dynptr dynptr, long flags) {
        if (!dynptr.isNull()) {
            ring(how, dynptr.data(), flags);
        }
        return dynptr.set(0, 0, 0);
    }

    private long ring(Helper helper, long... arguments) {
        return environment.call(helper.number(), Arrays.copyOf(arguments, 5), (address, given) -> {
            throw new ProgramFault(helper + " calls a function");
        });
    }

    private static boolean isTooLarge(int size) {
        return Integer.compareUnsigned(size, MapConstants.DYNPTR_LENGTH) > 0;
    }

    private long fromMemory(long data, int size, long flags, long dynptr) {
        if (isTooLarge(size) || flags != 0) {
            return new Dynptr(dynptr).set(0, 0, isTooLarge(size) ? -E2BIG : -EINVAL);
        }
        return new Dynptr(dynptr).set(data, size, 0);
    }

    private long read(long to, int size, Dynptr dynptr, int offset, long flags) {
        if (dynptr.isNull() || flags != 0) {
            return -EINVAL;
        }
        return move(to, dynptr.at(offset, size), size);
    }

    private long write(Dynptr dynptr, int offset, long from, int size, long flags) {
        if (dynptr.isNull() || dynptr.isReadOnly()) {
            return -EINVAL;
        }
        long to = dynptr.at(offset, size);
        if (to != 0 && flags != 0) {
            return -EINVAL;
        }
        return to == 0 ? -E2BIG : move(to, from, size);
    }

    /** The two may overlap. */
    private long move(long to, long from, int size) {
        if (from == 0) {
            return -E2BIG;
        }
        byte[] bytes = new byte[size];
        for (int i = 0; i < size; i++) {
            bytes[i] = (byte) memory.read(from + i, MemSize.B);
        }
        for (int i = 0; i < size; i++) {
            memory.write(to + i, MemSize.B, bytes[i]);
        }
        return 0;
    }

    private static long adjust(Dynptr dynptr, int start, int end) {
        if (dynptr.isNull() || Integer.compareUnsigned(start, end) > 0) {
            return -EINVAL;
        }
        if (Integer.compareUnsigned(end, dynptr.length()) > 0) {
            return -ERANGE;
        }
        dynptr.narrow(start, end);
        return 0;
    }

    private static long copy(Dynptr from, Dynptr to) {
        if (from.isNull()) {
            return to.set(0, 0, -EINVAL);
        }
        to.become(from);
        return 0;
    }

    private long numbers(long at, int start, int end) {
        if (start > end) {
            return setNumbers(at, 0, 0, -EINVAL);
        }
        boolean tooMany = (long) end - start > MAX_LOOPS;
        return tooMany ? setNumbers(at, 0, 0, -E2BIG) : setNumbers(at, start - 1, end, 0);
    }

    private long nextNumber(long at) {
        int next = (int) memory.read(at + NumbersLayout.BEFORE, MemSize.W) + 1;
        if (next >= (int) memory.read(at + NumbersLayout.END, MemSize.W)) {
            return setNumbers(at, 0, 0, 0);
        }
        memory.write(at + NumbersLayout.BEFORE, MemSize.W, next);
        return at + NumbersLayout.BEFORE;
    }

    private long setNumbers(long at, int before, int end, long result) {
        memory.write(at + NumbersLayout.BEFORE, MemSize.W, before);
        memory.write(at + NumbersLayout.END, MemSize.W, end);
        return result;
    }

    /** One in memory. */
    private final class Dynptr {
        private final long address;

        Dynptr(long address) {
            this.address = address;
        }

        long data() {
            return memory.read(address + DynptrLayout.DATA, MemSize.DW);
        }

        private int marks() {
            return (int) memory.read(address + DynptrLayout.LENGTH, MemSize.W);
        }

        private int offset() {
            return (int) memory.read(address + DynptrLayout.OFFSET, MemSize.W);
        }

        boolean isNull() {
            return data() == 0;
        }

        boolean isReadOnly() {
            return !isNull() && (marks() & MapConstants.DYNPTR_READ_ONLY) != 0;
        }

        int length() {
            return marks() & MapConstants.DYNPTR_LENGTH;
        }

        /** The address of some of its bytes, or 0 when there are not so many. */
        long at(int from, int bytes) {
            boolean inside = Integer.compareUnsigned(bytes, length()) <= 0
                    && Integer.compareUnsigned(from, length() - bytes) <= 0;
            return isNull() || !inside ? 0 : data() + offset() + from;
        }

        long writable(int from, int bytes) {
            return isReadOnly() ? 0 : at(from, bytes);
        }

        long set(long data, int marks, long result) {
            memory.write(address + DynptrLayout.DATA, MemSize.DW, data);
            memory.write(address + DynptrLayout.LENGTH, MemSize.W, marks);
            memory.write(address + DynptrLayout.OFFSET, MemSize.W, 0);
            return result;
        }

        void narrow(int start, int end) {
            memory.write(address + DynptrLayout.OFFSET, MemSize.W, offset() + start);
            memory.write(address + DynptrLayout.LENGTH, MemSize.W, marks() - length() + end - start);
        }

        void become(Dynptr other) {
            memory.write(address + DynptrLayout.DATA, MemSize.DW, other.data());
            memory.write(address + DynptrLayout.LENGTH, MemSize.W, other.marks());
            memory.write(address + DynptrLayout.OFFSET, MemSize.W, other.offset());
        }
    }
}
