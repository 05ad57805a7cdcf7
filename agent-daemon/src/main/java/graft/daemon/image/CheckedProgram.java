package graft.daemon.image;

import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Facts;

/** A program that the verifier accepted, with what it learned. */
public record CheckedProgram(ProgSpec spec, Facts facts) {}
