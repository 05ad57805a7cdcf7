/**
 * BTF and source lines out of a program's debug information: {@link graft.ebpf.btf.dwarf.DwarfTypes} and
 * {@link graft.ebpf.btf.dwarf.DwarfLines} first. Reads DWARF 2 to 5 as gcc and
 * clang write it for C; types in files of their own (split DWARF, dwz) and type units are not followed. Pure; bad content
 * ends in {@link graft.ebpf.btf.BtfFormatException}.
 */
package graft.ebpf.btf.dwarf;
