package graft.platform.elf;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Random access to the bytes of a file, checked against its size at opening. Closing a source of bytes in memory does nothing. */
sealed interface ByteSource extends AutoCloseable {
    /** The file's name, for messages. */
    String name();

    long size();

    /** Reads bytes known to be inside the source. */
    void fill(ByteBuffer into, long position);

    @Override
    void close();

    /** A little-endian copy of {@code length} bytes. */
    default ByteBuffer read(long position, long length) {
        if (position < 0 || length < 0 || position > size() || length > size() - position) {
            throw new ElfFormatException(
                    name(), position, "%d bytes wanted, the file has %d".formatted(length, size()));
        }
        if (length > Integer.MAX_VALUE - 16) {
            throw new ElfFormatException(name(), position, length + " bytes are too many for one part");
        }
        ByteBuffer buffer = ByteBuffer.allocate((int) length).order(ByteOrder.LITTLE_ENDIAN);
        fill(buffer, position);
        return buffer.flip();
    }

    /** Bytes in memory. */
    record Memory(String name, byte[] bytes) implements ByteSource {
        @Override
        public long size() {
            return bytes.length;
        }

        @Override
        public void fill(ByteBuffer into, long position) {
            into.put(bytes, (int) position, into.remaining());
        }

        @Override
        public void close() {}
    }

    /** A file, read piece by piece: not mapped, since a file that shrinks would kill the reader. */
    record OpenFile(String name, FileChannel channel, long size) implements ByteSource {
        static OpenFile open(Path path) {
            try {
                FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
                return new OpenFile(path.toString(), channel, channel.size());
            } catch (IOException e) {
                throw new UncheckedIOException("cannot read " + path + ": " + e.getMessage(), e);
            }
        }

        @Override
        public void fill(ByteBuffer into, long position) {
            long at = position;
            while (into.hasRemaining()) {
                int count = readSome(into, at);
                if (count < 0) {
                    throw new ElfFormatException(name, at, "the file became shorter while it was read");
                }
                at += count;
            }
        }

        private int readSome(ByteBuffer into, long at) {
            try {
                return channel.read(into, at);
            } catch (IOException e) {
                throw new UncheckedIOException("cannot read " + name + ": " + e.getMessage(), e);
            }
        }

        @Override
        public void close() {
            try {
                channel.close();
            } catch (IOException e) {
                throw new UncheckedIOException("cannot close " + name, e);
            }
        }
    }
}
