/*
 * Every call of `work` does what TOLD says to the timer of one element. The function of all timers counts in NOTES and does what the
 * element says. What calls gave, and what the function saw, goes into NOTES, which the kernel has to give as well: there the
 * same program runs by request, as it has no use for its context.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

enum { RESULT, FIRED, INNER, KEYS, FIELDS };
enum { INIT, SET, START, CANCEL, DELETE, UPDATE, LOOK, ARM_ALL, ARM };
enum { NOTHING, AGAIN, CANCEL_SELF, INIT_SELF, DELETE_SELF, UPDATE_SELF, START_WRONGLY, SET_SELF, REPORT, LOOP_LONG, ADD_UP };

#define MANY 10000
#define LATE 4000000000000000000ull

struct element {
	__u64 fired;
	__u64 nanos;
	__u32 todo;
	__u32 left;
	struct bpf_timer timer;
	__u64 tail;
};

struct told {
	__u32 map;
	__u32 what;
	__u32 key;
	__u32 pad;
	__u64 number;
	__u64 flags;
	__u64 element[6]; /* as bytes: a timer in this map's values would be one */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct told);
} TOLD SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FIELDS);
	__type(key, __u32);
	__type(value, __u64);
} NOTES SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct element);
} array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MANY);
	__type(key, __u32);
	__type(value, struct element);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct element);
} lru SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} reports SEC(".maps");

static void note(__u32 which, __u64 what)
{
	__u64 *value = bpf_map_lookup_elem(&NOTES, &which);

	if (value)
		*value = *value * 31 + what;
}

static void count(__u32 which)
{
	__u64 *value = bpf_map_lookup_elem(&NOTES, &which);

	if (value)
		__sync_fetch_and_add(value, 1);
}

static long spin(__u32 round, void *unused)
{
	(void)unused;
	return round == 1 << 24;
}

static long add(void *map, __u32 *key, __u64 *value, __u64 *sum)
{
	(void)map;
	*sum += *key * 3 + (*value != 0);
	return 0;
}

static void report(__u32 key)
{
	__u64 *record = bpf_ringbuf_reserve(&reports, 16, 0);
	__u64 two[2] = {key, 2};

	if (record) {
		record[0] = key;
		record[1] = 1;
		bpf_ringbuf_submit(record, 0);
	}
	note(INNER, bpf_ringbuf_output(&reports, two, sizeof(two), 0));
}

static void loop_long(void)
{
	__u64 *record = bpf_ringbuf_reserve(&reports, 8, 0);

	note(INNER, bpf_loop(1 << 23, spin, (void *)0, 0));
	if (record)
		bpf_ringbuf_submit(record, 0);
}

static int fire(void *map, __u32 *key, struct element *value)
{
	struct element other = {.nanos = 9};
	__u64 sum = 0;

	value->fired++;
	note(KEYS, *key + 1);
	switch (value->todo) {
	case AGAIN:
		if (value->left) {
			value->left--;
			note(INNER, bpf_timer_start(&value->timer, value->nanos, 0));
		}
		break;
	case CANCEL_SELF:
		note(INNER, bpf_timer_cancel(&value->timer));
		break;
	case INIT_SELF:
		note(INNER, bpf_timer_init(&value->timer, map, 1));
		break;
	case DELETE_SELF:
		note(INNER, bpf_map_delete_elem(map, key));
		note(INNER, bpf_timer_cancel(&value->timer));
		break;
	case UPDATE_SELF:
		note(INNER, bpf_map_update_elem(map, key, &other, 0));
		break;
	case START_WRONGLY:
		note(INNER, bpf_timer_start(&value->timer, 0, 4));
		break;
	case SET_SELF:
		note(INNER, bpf_timer_set_callback(&value->timer, fire));
		note(INNER, bpf_timer_start(&value->timer, LATE, 0));
		break;
	case REPORT:
		report(*key);
		break;
	case LOOP_LONG:
		loop_long();
		break;
	case ADD_UP:
		note(INNER, bpf_for_each_map_elem(&NOTES, add, &sum, 0));
		note(INNER, sum);
		break;
	}
	count(FIRED);
	return 0;
}

#define ON(map) \
	static long on_##map(struct told *told) \
	{ \
		__u32 key = told->key; \
		struct element *value; \
		long result; \
		\
		if (told->what == DELETE) \
			return bpf_map_delete_elem(&map, &key); \
		if (told->what == UPDATE) \
			return bpf_map_update_elem(&map, &key, &told->element, told->flags); \
		value = bpf_map_lookup_elem(&map, &key); \
		if (!value) \
			return 77; \
		switch (told->what) { \
		case INIT: \
			return bpf_timer_init(&value->timer, &map, told->flags); \
		case SET: \
			return bpf_timer_set_callback(&value->timer, fire); \
		case START: \
			return bpf_timer_start(&value->timer, told->number, told->flags); \
		case CANCEL: \
			return bpf_timer_cancel(&value->timer); \
		case ARM: \
			result = bpf_timer_init(&value->timer, &map, 1); \
			if (result && result != -16) \
				return result; \
			result = bpf_timer_set_callback(&value->timer, fire); \
			return result ? 100 : bpf_timer_start(&value->timer, told->number, told->flags); \
		default: \
			return value->fired; \
		} \
	}

ON(array)
ON(hash)
ON(lru)

static long arm(__u32 round, struct told *told)
{
	struct told one = {.what = UPDATE, .key = round};

	one.element[2] = told->element[2];
	if (on_hash(&one))
		return 1;
	one.what = ARM;
	one.number = told->number;
	return on_hash(&one) != 0;
}

SEC("uprobe")
int on_call(void *ctx)
{
	__u32 zero = 0, which = RESULT;
	struct told *told = bpf_map_lookup_elem(&TOLD, &zero), copy;
	__u64 *result = bpf_map_lookup_elem(&NOTES, &which);

	(void)ctx;
	if (!told || !result)
		return 0;
	__builtin_memcpy(&copy, told, sizeof(copy));
	if (copy.what == ARM_ALL)
		*result = bpf_loop(MANY, arm, &copy, 0);
	else if (copy.map == 0)
		*result = on_array(&copy);
	else if (copy.map == 1)
		*result = on_hash(&copy);
	else
		*result = on_lru(&copy);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
