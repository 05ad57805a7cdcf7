package graft.ebpf.verifier;

import graft.ebpf.object.MapSpec;

/** What a register or a spilled stack slot holds. Immutable, so that states can share them. */
sealed interface Value permits Value.Nothing, Value.Resident, Scalar, Pointer {
    /** Never written, or dead: reading it is an error. */
    enum Nothing implements Value {
        UNINITIALISED
    }

    /** Part {@code part} (of eight bytes) of an object that helpers keep on the stack; programs cannot look inside. */
    record Resident(Thing thing, int part) implements Value {
        /** Objects on the stack. */
        sealed interface Thing {
            /**
             * A dynptr, 16 bytes. {@code id} names it and what was cut from it, {@code reference} is what it holds, or 0.
             */
            record Dynptr(Source source, int id, int reference, MapSpec.Access access) implements Thing {}

            /** An iterator of {@code parts} times eight bytes; {@code reference} names it. */
            record Iterator(String type, int parts, int reference, Progress progress, int depth) implements Thing {}
        }

        /** What a dynptr is about. */
        enum Source {
            LOCAL,
            RINGBUF,
            SKB,
            XDP
        }

        /** Where an iterator is. */
        enum Progress {
            ACTIVE,
            DRAINED
        }
    }

    /** The memory object a pointer points into. */
    sealed interface Region {
        /** How messages call a pointer into this. */
        String noun();

        /** The program's context. */
        enum Context implements Region {
            CONTEXT;

            @Override
            public String noun() {
                return "the context pointer";
            }
        }

        /** The memory of the program's arena; no offset is known, and an access outside of it does nothing. */
        enum Arena implements Region {
            ARENA;

            @Override
            public String noun() {
                return "a pointer into the arena";
            }
        }

        /** The stack of frame {@code frame}, counted from the entry function; offset 0 is its r10. */
        record Stack(int frame) implements Region {
            @Override
            public String noun() {
                return "a stack pointer";
            }
        }

        /** A value of a map; {@code identity} tells values apart where that matters (locks, inner maps), 0 otherwise. */
        record MapValue(MapSpec map, int identity) implements Region {
            @Override
            public String noun() {
                return "a pointer into a value of map " + map.name();
            }
        }

        /** A map itself; {@code identity} tells the inner maps of a map apart, 0 otherwise. */
        record MapObject(MapSpec map, int identity) implements Region {
            @Override
            public String noun() {
                return "the map " + map.name();
            }
        }

        /** A reserved ring buffer record of {@code size} bytes; {@code reference} names the reservation. */
        record Record(int reference, long size) implements Region {
            @Override
            public String noun() {
                return "a ring buffer record";
            }
        }

        /**
         * Some other memory of {@code size} bytes: a slice of a dynptr, an argument of a global function. {@code owner}
         * names what it goes away with, 0 for nothing.
         */
        record Memory(String name, long size, MapSpec.Access access, int owner) implements Region {
            @Override
            public String noun() {
                return name;
            }
        }

        /**
         * A packet, or what lies before it. Pointers with the same {@code base} point to the same place but for their
         * constant offsets; {@code most} is how far that place may be from the packet's start, negative when it may be
         * before it, and {@code range} how many
         * bytes from it are known to exist.
         */
        record Packet(Part part, int base, long most, long range) implements Region {
            /** The packet itself, or its metadata. */
            enum Part {
                DATA,
                META
            }

            @Override
            public String noun() {
                return "a pointer into the packet";
            }
        }

        /** The end of the packet. */
        enum PacketEnd implements Region {
            PACKET_END;

            @Override
            public String noun() {
                return "the end of the packet";
            }
        }

        /** A struct of the kernel, by its BTF id; {@code reference} is 0 unless the program must give it back. */
        record Kernel(int type, String name, Trust trust, int reference) implements Region {
            /** How far the kernel vouches for the pointer. */
            enum Trust {
                /** It points to a living object. */
                TRUSTED,
                /** Alive under the read lock. */
                RCU,
                /** From an old-style walk: may be null or gone; loads are guarded. */
                LEGACY,
                /** Any address; loads are guarded, helpers do not take it. */
                UNTRUSTED
            }

            @Override
            public String noun() {
                return "a pointer to struct " + name;
            }
        }

        /** A socket as programs see it; {@code reference} is 0 unless the program must give it back. */
        record Socket(Kind kind, int reference) implements Region {
            /** Which view of a socket. */
            enum Kind {
                SOCKET,
                SOCK_COMMON,
                TCP_SOCK,
                XDP_SOCK
            }

            @Override
            public String noun() {
                return "a socket";
            }
        }

        /** A per-CPU variable of the kernel; its {@code copy} is what one CPU has. */
        record PerCpu(String name, Region copy) implements Region {
            @Override
            public String noun() {
                return "the per-CPU variable " + name;
            }
        }

        /** A dynptr that a helper hands to a callback. */
        record StackObject(Resident.Thing.Dynptr thing) implements Region {
            @Override
            public String noun() {
                return "a dynptr";
            }
        }

        /** A local function, as callbacks are given. */
        record Function(int slot) implements Region {
            @Override
            public String noun() {
                return "a function";
            }
        }
    }
}
