/* Hash maps for the program that runs the agent. */
#ifndef AGENT_HASH_H
#define AGENT_HASH_H

#include "runtime.h"

void open_hash(const char *file);
long differ(unsigned seed, long operations, long keys);
long churn(long from, long keys, long rounds);
long fill(long from, long keys);
long fill_once(long from, long keys);
long pass(long from, long keys);
long flood(long hot, long from, long keys);

#endif
