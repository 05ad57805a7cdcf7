/*
 * C++ exceptions that pass through up to a hundred frames of the probed function, are caught and thrown again on their way.
 *
 * probes: uprobe:work
 * requirements: 6 20
 * options: -O1
 */
#include <stdexcept>
#include <string>

#include "tracee.h"

static long destroyed;

struct Guard {
	~Guard() { destroyed++; }
};

extern "C" __attribute__((noinline, noclone)) long work(long depth, long n)
{
	Guard guard;

	if (depth == 0)
		throw std::runtime_error(std::to_string(n));
	if (depth % 10 == 0) {
		try {
			return work(depth - 1, n) + 1;
		} catch (const std::runtime_error &) {
			throw;
		}
	}
	return work(depth - 1, n) + 1;
}

static void work_on(long times)
{
	probes = 1;
	for (long i = 0; i < times; i++) {
		long depth = i % 100;
		destroyed = 0;
		try {
			work(depth, i);
			wrong("work(%ld) returned", depth);
		} catch (const std::runtime_error &e) {
			if (e.what() != std::to_string(i) || destroyed != depth + 1)
				wrong("work(%ld) threw %s after %ld destructors", depth, e.what(), destroyed);
		}
		calls[0] += depth + 1;
	}
}
