package graft.platform.linux;

import java.lang.foreign.Arena;

/** {@code sys/mman.h}: anonymous files, seals and mappings. */
public final class Mman {
    /** {@code MFD_CLOEXEC}. */
    public static final int MFD_CLOEXEC = 1;

    /** {@code MFD_ALLOW_SEALING}. */
    public static final int MFD_ALLOW_SEALING = 2;

    /** {@code MFD_NOEXEC_SEAL}: never executable, and sealed so (Linux 6.3). */
    public static final int MFD_NOEXEC_SEAL = 8;

    /** {@code MFD_EXEC}: mappings may be executable (Linux 6.3; before, every memfd was so). */
    public static final int MFD_EXEC = 16;

    /** {@code F_SEAL_SEAL}: no further seals. */
    public static final int F_SEAL_SEAL = 1;

    /** {@code F_SEAL_SHRINK}. */
    public static final int F_SEAL_SHRINK = 2;

    /** {@code F_SEAL_GROW}. */
    public static final int F_SEAL_GROW = 4;

    /** {@code F_SEAL_FUTURE_WRITE}: no new writable mapping. */
    public static final int F_SEAL_FUTURE_WRITE = 0x10;

    /** {@code PROT_NONE}. */
    public static final int PROT_NONE = 0;

    /** {@code PROT_READ}. */
    public static final int PROT_READ = 1;

    /** {@code PROT_WRITE}. */
    public static final int PROT_WRITE = 2;

    /** {@code PROT_EXEC}. */
    public static final int PROT_EXEC = 4;

    /** {@code MAP_SHARED}. */
    public static final int MAP_SHARED = 1;

    /** {@code MAP_PRIVATE}. */
    public static final int MAP_PRIVATE = 2;

    /** {@code MAP_FIXED}: in the place of what is mapped there. */
    public static final int MAP_FIXED = 0x10;

    /** {@code MAP_ANONYMOUS}. */
    public static final int MAP_ANONYMOUS = 0x20;

    /** {@code MAP_FIXED_NOREPLACE}. */
    public static final int MAP_FIXED_NOREPLACE = 0x100000;

    private static final int F_ADD_SEALS = 1033;
    private static final int F_GET_SEALS = 1034;

    private Mman() {}

    /**
     * {@code memfd_create(2)}. {@link #MFD_EXEC} and {@link #MFD_NOEXEC_SEAL} are left out by themselves on a kernel
     * that does not know them.
     */
    public static NativeFd memfdCreate(String name, int flags) {
        String what = "memfd " + name;
        try (Arena arena = Arena.ofConfined()) {
            long address = arena.allocateFrom(name).address();
            long fd = Syscall.MEMFD_CREATE.raw(address, flags, 0, 0, 0, 0);
            int old = flags & ~(MFD_EXEC | MFD_NOEXEC_SEAL);
            if (fd == -Errno.EINVAL && old != flags) {
                fd = Syscall.MEMFD_CREATE.raw(address, old, 0, 0, 0, 0);
            }
            return new NativeFd((int) Syscall.MEMFD_CREATE.checked(fd, "creating " + what), what);
        }
    }

    /** A memfd of {@code size} bytes that can neither shrink nor grow: mapping it never ends in SIGBUS. */
    public static NativeFd sealedMemfd(String name, long size, int flags) {
        NativeFd fd = memfdCreate(name, flags | MFD_CLOEXEC | MFD_ALLOW_SEALING);
        try {
            ftruncate(fd, size);
            addSeals(fd, F_SEAL_SHRINK | F_SEAL_GROW);
            return fd;
        } catch (SysException failed) {
            fd.close();
            throw failed;
        }
    }

    /** {@code ftruncate(2)}. */
    public static void ftruncate(NativeFd fd, long size) {
        Syscall.FTRUNCATE.call("sizing " + fd + " to " + size + " bytes", fd.number(), size);
    }

    /** {@code fcntl(F_ADD_SEALS)}. */
    public static void addSeals(NativeFd fd, int seals) {
        Syscall.FCNTL.call("sealing " + fd, fd.number(), F_ADD_SEALS, seals);
    }

    /** {@code fcntl(F_GET_SEALS)}. */
    public static int seals(NativeFd fd) {
        return (int) Syscall.FCNTL.call("reading the seals of " + fd, fd.number(), F_GET_SEALS);
    }

    /**
     * {@code mmap(2)} of a descriptor at any address. {@link SharedRegion} is the form with an owner; this one is for
     * callers that keep the address alone.
     *
     * @return the address of the mapping
     */
    public static long mmap(long size, int protection, int flags, NativeFd fd, long offset) {
        return Syscall.MMAP.call(
                "mapping " + size + " bytes of " + fd, 0, size, protection, flags, fd.number(), offset);
    }

    /**
     * {@code mmap(2)} of a descriptor at one address and no other.
     *
     * @param address 0 where any will do
     */
    static long mmapAt(long address, long size, int protection, NativeFd fd) {
        int flags = address == 0 ? MAP_SHARED : MAP_SHARED | MAP_FIXED_NOREPLACE;
        return Syscall.MMAP.call(
                "mapping " + size + " bytes of " + fd, address, size, protection, flags, fd.number(), 0);
    }

    /**
     * {@code mmap(2)} at a multiple of {@link HugePages#SIZE}, so that the file's huge pages can be used.
     *
     * @param offset a multiple of {@link HugePages#SIZE}
     * @return the address of the mapping
     */
    static long mmapAligned(long size, int protection, int flags, NativeFd fd, long offset) {
        String what = "mapping " + size + " bytes of " + fd;
        long room = Sysconf.wholePages(size) + HugePages.SIZE;
        long reserved = Syscall.MMAP.call(what, 0, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        long address = HugePages.alignUp(reserved);
        long end = address + Sysconf.wholePages(size);
        try {
            Syscall.MMAP.call(what, address, size, protection, flags | MAP_FIXED, fd.number(), offset);
        } catch (SysException failed) {
            munmap(reserved, room);
            throw failed;
        }
        if (address > reserved) {
            munmap(reserved, address - reserved);
        }
        if (reserved + room > end) {
            munmap(end, reserved + room - end);
        }
        return address;
    }

    /** {@code munmap(2)}. */
    public static void munmap(long address, long size) {
        Syscall.MUNMAP.call("unmapping " + size + " bytes at 0x" + Long.toHexString(address), address, size);
    }
}
