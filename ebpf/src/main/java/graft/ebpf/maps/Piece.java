package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;

/**
 * One shared mapping that a target makes of a map's descriptor.
 *
 * @param fileOffset where the piece begins in the descriptor, whole pages
 * @param length bytes to map, whole pages
 * @param addressOffset where it goes, from the base address that the target chose for the map
 * @param access what the target may do there
 */
public record Piece(long fileOffset, long length, long addressOffset, MapSpec.Access access) {}
