package graft.ebpf.maps;

/** One mapping of part of a map's memory. */
public record Piece(long fileOffset, long length, long addressOffset) {}
