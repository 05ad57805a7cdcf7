/* Prints what a started program and its child see: GRAFT_SOCKET, LD_PRELOAD, KEPT and the first free descriptor. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *value(const char *name) { return getenv(name) ? getenv(name) : "unset"; }

int main(int argc, char **argv)
{
    int free_descriptor = dup(0);
    close(free_descriptor);
    printf("%s %s %s %s %d\n", argc > 1 ? argv[1] : "program", value("GRAFT_SOCKET"), value("LD_PRELOAD"),
           value("KEPT"), free_descriptor);
    fflush(stdout);
    if (argc == 1)
        return system("/proc/$PPID/exe child");
    return 0;
}
