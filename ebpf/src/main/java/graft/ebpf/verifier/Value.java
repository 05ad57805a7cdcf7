package graft.ebpf.verifier;

import graft.ebpf.object.MapSpec;

/** What a register or a spilled stack slot holds. Immutable, so that states can share them. */
sealed interface Value permits Value.Nothing, Scalar, Pointer {
    /** Never written, or dead: reading it is an error. */
    enum Nothing implements Value {
        UNINITIALISED
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

        /** The stack of frame {@code frame}, counted from the entry function; offset 0 is its r10. */
        record Stack(int frame) implements Region {
            @Override
            public String noun() {
                return "a stack pointer";
            }
        }

        /** A value of a map. */
        record MapValue(MapSpec map) implements Region {
            @Override
            public String noun() {
                return "a pointer into a value of map " + map.name();
            }
        }

        /** A map itself. */
        record MapObject(MapSpec map) implements Region {
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

        /** A local function, as callbacks are given. */
        record Function(int slot) implements Region {
            @Override
            public String noun() {
                return "a function";
            }
        }
    }
}
