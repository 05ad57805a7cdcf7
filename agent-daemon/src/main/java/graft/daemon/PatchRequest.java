package graft.daemon;

import graft.rewriter.Code;
import graft.uprobe.Probe;
import java.util.Optional;

/**
 * Code that one process shall run in place of some of its own.
 *
 * @param place where; one place and no pattern
 * @param old what is there now, if the caller wants to be sure of it; instructions then give way to instructions of exactly
 *     these bytes
 */
public record PatchRequest(int pid, Probe place, Change change, Optional<Code> old) {
    /** What comes. */
    public sealed interface Change {
        /** Instructions, made for the place. Without old bytes, as many whole ones give way as have so many bytes or more. */
        record Instructions(Code code) implements Change {}

        /** Another function in place of the one that begins there. */
        record Function(NativeFunction function) implements Change {}
    }
}
