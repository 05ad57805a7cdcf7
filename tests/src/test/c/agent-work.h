/* Work without end on maps and rings, with notes of it, for the program that runs the agent. */
#ifndef AGENT_WORK_H
#define AGENT_WORK_H

#include "runtime.h"

/*
 * What a worker did, in memory that others read when it was killed. An operation is noted as begun before it is done and
 * as done after it; a value that came out is logged before the count of those.
 */
struct notes {
    uint64_t begun, done, refused, logged, wrong;
    uint64_t log[];
};

enum { NOTES_LOG = (1 << 22) - 5, TORN = -1 };

void open_notes(const char *file);
/* The work's name, and the worker's number: 1 and up. It ends when the notes of worker 0 say so. */
const char *work(const char *name, long worker);
/* Starts the command in a process of its own and kills that a while after it has begun; its process id. */
int slay(long micros, void (*command)(char *line), char *line);

/* The map that was opened last. */
struct graft_map *opened(void);
void open_map(const char *file);
int stopped(void);
struct notes *notes_of(long worker);

#endif
