package graft.ebpf.verifier;

/** What is held and must be given back: pointers to it die when it is. */
final class References {
    private References() {}

    /** The reference that a pointer stands for, 0 for none. */
    static int of(Value.Region region) {
        return switch (region) {
            case Value.Region.Record record -> record.reference();
            case Value.Region.Socket socket -> socket.reference();
            case Value.Region.Kernel kernel -> kernel.reference();
            case Value.Region.Memory memory -> memory.owner();
            case Value.Region.Context _,
                    Value.Region.Arena _,
                    Value.Region.Stack _,
                    Value.Region.MapValue _,
                    Value.Region.MapObject _,
                    Value.Region.Packet _,
                    Value.Region.PacketEnd _,
                    Value.Region.PerCpu _,
                    Value.Region.StackObject _,
                    Value.Region.Function _ -> 0;
        };
    }

    /** Pointers to it become numbers for privileged programs of the kernel, and nothing for others. */
    static void forget(Step step, int reference) {
        Value left = step.walk.setting().isForTarget() ? Value.Nothing.UNINITIALISED : Scalar.UNKNOWN;
        step.state.replaceValues(
                value -> value instanceof Pointer pointer && of(pointer.region()) == reference ? left : value);
    }
}
