/**
 * Reading ELF files: programs, libraries and eBPF objects. Open {@link graft.platform.elf.ElfFile} first.
 *
 * <p>Input is not trusted: every read is checked against the file's size, every count against what the file can hold.
 * Bad content ends in {@link graft.platform.elf.ElfFormatException} and in nothing else. 64-bit little-endian only.
 */
package graft.platform.elf;
