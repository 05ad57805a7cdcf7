/*
 * Control groups. Runs in the target, anywhere (see runtime.h). Takes no lock. No system call tells a process its own: the daemon
 * writes them into memory that both share, at the attach, when somebody asks for the first time, and when it hears of a move. The
 * daemon may be slow or dead, so asking has an end; then a process is where it was known to be last, a forked one where its parent was.
 */
#include "runtime.h"

struct place {
    const struct graft_group *group; /* null: not known */
    uint32_t group_class;
};

static struct graft_member *member_of(uint32_t number)
{
    struct graft_member *all = (void *)(graft_config()->groups + GRAFT_MEMBERS_OFFSET);
    struct graft_member *set = all + (number & (GRAFT_MEMBERS_SETS - 1)) * GRAFT_MEMBERS_SET;
    for (uint32_t i = 0; i < GRAFT_MEMBERS_SET; i++)
        if (__atomic_load_n(&set[i].number, __ATOMIC_ACQUIRE) == number)
            return &set[i];
    for (uint32_t i = 0; i < GRAFT_MEMBERS_SET; i++) {
        uint32_t unused = 0;
        if (__atomic_compare_exchange_n(&set[i].number, &unused, number, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            return &set[i];
    }
    return 0;
}

/* What the daemon says, or 0; a full set is as good as a daemon that says nothing. */
static uint32_t answer_for(struct graft_member *member)
{
    if (!member)
        return 0;
    uint32_t group = __atomic_load_n(&member->group, __ATOMIC_ACQUIRE);
    if (!group && !__atomic_load_n(&member->waited, __ATOMIC_RELAXED)) {
        group = graft_ask((uint32_t *)(graft_config()->groups + GRAFT_GROUPS_BELL), &member->group);
        if (!group)
            __atomic_store_n(&member->waited, 1, __ATOMIC_RELAXED);
    }
    return group;
}

static const struct graft_group *group_at(uint32_t index)
{
    const struct graft_group *all = (void *)(graft_config()->groups + GRAFT_GROUPS_OFFSET);
    return index && index < GRAFT_GROUPS_MAX ? &all[index] : 0;
}

static struct place current_place(void)
{
    struct graft_config *config = graft_config();
    if (!config->groups)
        return (struct place){0, 0};
    uint64_t ids = graft_current_ids();
    uint32_t process = (uint32_t)(ids >> 32), thread = (uint32_t)ids;
    struct graft_member *member = process == GRAFT_UNKNOWN_PROCESS ? 0 : member_of(process);
    uint32_t answer = answer_for(member), index = answer & ~GRAFT_MEMBER_DIVIDED;
    if (!index)
        return (struct place){group_at(config->group), config->group_class};
    uint32_t group_class = __atomic_load_n(&member->group_class, __ATOMIC_RELAXED);
    if (index != config->group || group_class != config->group_class) {
        __atomic_store_n(&config->group, index, __ATOMIC_RELAXED);
        __atomic_store_n(&config->group_class, group_class, __ATOMIC_RELAXED);
    }
    if (answer & GRAFT_MEMBER_DIVIDED && thread != process) {
        struct graft_member *own = member_of(thread);
        uint32_t other = answer_for(own) & ~GRAFT_MEMBER_DIVIDED;
        if (other) {
            index = other;
            group_class = __atomic_load_n(&own->group_class, __ATOMIC_RELAXED);
        }
    }
    return (struct place){group_at(index), group_class};
}

/* The group above; an index that does not lead up is nobody's, so that every way up ends. */
static const struct graft_group *above(const struct graft_group *group)
{
    const struct graft_group *parent = group_at(group->parent);
    return parent && parent < group ? parent : 0;
}

EXPORT uint64_t graft_helper_get_current_cgroup_id(void)
{
    const struct graft_group *group = current_place().group;
    return group ? group->id : 0;
}

EXPORT uint64_t graft_helper_get_current_ancestor_cgroup_id(int32_t level)
{
    const struct graft_group *group = current_place().group;
    while (group && (int64_t)group->level > level)
        group = above(group);
    return group && level >= 0 && group->level == (uint32_t)level ? group->id : 0;
}

EXPORT uint64_t graft_helper_get_cgroup_classid(void) { return current_place().group_class; }

EXPORT long graft_helper_current_task_under_cgroup(struct graft_map *map, uint32_t index)
{
    if (index >= map->max_entries)
        return -E2BIG;
    uint64_t wanted = __atomic_load_n((uint64_t *)graft_data(map) + index, __ATOMIC_ACQUIRE);
    if (!wanted)
        return -EAGAIN;
    const struct graft_group *group = current_place().group;
    while (group && group->id != wanted)
        group = above(group);
    return group != 0;
}
