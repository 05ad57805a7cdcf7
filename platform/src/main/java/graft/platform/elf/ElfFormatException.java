package graft.platform.elf;

/** A file is not the ELF file it should be. The only exception that reading bad content throws. */
public final class ElfFormatException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long position;

    /**
     * @param file the file's name, for people
     * @param position the offset in the file where the trouble was seen
     * @param reason what is wrong there
     */
    public ElfFormatException(String file, long position, String reason) {
        super("%s at 0x%x: %s".formatted(file, position, reason));
        this.position = position;
    }

    /** The offset in the file where the trouble was seen. */
    public long position() {
        return position;
    }
}
