/**
 * Timers in map values: the daemon runs their functions with the interpreter, on the memory that it shares with the programs that
 * start them. {@link graft.daemon.timer.TimerService} first. A function that does what a verified one cannot do, or does not end,
 * ends its timer and is counted; nothing that it does ends the daemon. One thread for each map with timers; functions of one session
 * run one at a time.
 */
package graft.daemon.timer;
