package graft.platform.asm.x86_64;

/** The form of a jump to a label. */
public enum Reach {
    /** One-byte distance when the label is bound and near enough, four bytes otherwise. */
    ANY,
    /** One-byte distance; binding the label out of reach is an error. */
    SHORT,
    /** Four-byte distance always. */
    NEAR
}
