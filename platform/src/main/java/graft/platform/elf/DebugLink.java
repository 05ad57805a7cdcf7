package graft.platform.elf;

/**
 * Where a stripped file says its debugging information is ({@code .gnu_debuglink}).
 *
 * @param fileName a bare file name, to be looked for in the usual places
 * @param crc CRC-32 of that file
 */
public record DebugLink(String fileName, int crc) {}
