package graft.attach;

import graft.platform.linux.ProcMem;

/** The process that is being worked on, as the parts of one operation share it. */
record Target(int pid, ProcMem memory, StepListener steps) {}
