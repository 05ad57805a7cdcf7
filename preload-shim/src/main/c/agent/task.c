/*
 * The thread as a struct task_struct. A process has none: reading at what programs have for one makes up the fields that a process
 * knows of its own threads and of its parent, at the places that they have in the kernel. No other field can be read. Runs in the
 * target, anywhere (see runtime.h). Takes no lock.
 */
#include "task.h"

enum { PR_GET_NAME = 16, NAME_SIZE = 16 };

INLINE uint64_t task_of(uint32_t thread) { return TASK | (uint64_t)thread << TASK_SHIFT; }

EXPORT uint64_t graft_helper_get_current_task(void) { return task_of((uint32_t)graft_current_ids()); }
EXPORT uint64_t graft_helper_get_current_task_btf(void) { return task_of((uint32_t)graft_current_ids()); }

static int is_inside(uint64_t offset, uint64_t size, uint32_t field, uint64_t length)
{
    return field && offset >= field && offset - field < length && size <= length - (offset - field);
}

static int part(void *to, uint64_t size, const void *value, uint64_t from)
{
    graft_copy(to, (const char *)value + from, size);
    return 1;
}

/* The parent's number is its own namespace's, so that of another one is not known. 0 is outside of it. */
static int read_parent(void *to, uint64_t size, uint64_t from)
{
    long parent = graft_config()->translated ? 0 : graft_call(SYS_GETPPID, 0, 0, 0, 0, 0, 0);
    if (parent <= 0)
        return 0;
    uint64_t task = task_of((uint32_t)parent) | TASK_ELSEWHERE;
    return part(to, size, &task, from);
}

static int read_name(void *to, uint64_t size, uint64_t from)
{
    char name[NAME_SIZE];
    graft_zero(name, NAME_SIZE);
    graft_call(SYS_PRCTL, PR_GET_NAME, (long)name, 0, 0, 0, 0);
    return part(to, size, name, from);
}

int graft_read_task(void *to, uint64_t size, uint64_t from)
{
    const struct graft_config *config = graft_config();
    if (!(config->task_pid | config->task_tgid | config->task_comm | config->task_leader | config->task_parent))
        return 0; /* no program asks for tasks, and none may have said that it makes calls for them */
    uint64_t at = from & (TASK_BYTES - 1), task = from - at, ids = graft_current_ids();
    uint32_t number = graft_thread_of(task), process = (uint32_t)(ids >> 32), thread = (uint32_t)ids;
    int elsewhere = (task & TASK_ELSEWHERE) != 0, leader = (task & TASK_LEADER) != 0;
    if (!elsewhere && number != thread && number != process)
        return 0; /* kept from another thread's time */
    if (is_inside(at, size, config->task_tgid, sizeof(number)))
        return part(to, size, elsewhere ? &number : &process, at - config->task_tgid);
    if (is_inside(at, size, config->task_pid, sizeof(number)))
        return (!elsewhere || leader) && part(to, size, &number, at - config->task_pid);
    if (is_inside(at, size, config->task_leader, sizeof(task))) {
        uint64_t first = elsewhere ? task | TASK_LEADER : task_of(process);
        return part(to, size, &first, at - config->task_leader);
    }
    if (elsewhere)
        return 0;
    if (is_inside(at, size, config->task_parent, sizeof(task)))
        return read_parent(to, size, at - config->task_parent);
    if (number == thread && is_inside(at, size, config->task_comm, NAME_SIZE))
        return read_name(to, size, at - config->task_comm);
    return 0;
}

uint64_t graft_task_text(uint64_t address)
{
    uint64_t at = address & (TASK_BYTES - 1), name = graft_config()->task_comm;
    return is_inside(at, 1, (uint32_t)name, NAME_SIZE) ? name + NAME_SIZE - at : 0;
}
