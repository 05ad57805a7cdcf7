#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 5000);
} events SEC(".maps");

const volatile __u32 wanted = 7;
__u64 total = 0;
__u32 started = 3;

static __attribute__((noinline)) int bump(__u32 key)
{
    __u64 one = 1, *value = bpf_map_lookup_elem(&counts, &key);
    if (value)
        __sync_fetch_and_add(value, 1);
    else
        bpf_map_update_elem(&counts, &key, &one, 0);
    return 0;
}

static int step(__u32 index, void *ctx)
{
    total += index;
    return 0;
}

SEC("uprobe/libssl.so.3:SSL_write")
int on_write(void *ctx)
{
    __u64 *event = bpf_ringbuf_reserve(&events, 8, 0);
    if (event) {
        *event = started;
        bpf_ringbuf_submit(event, 0);
    }
    return bump(wanted);
}

SEC("uprobe/libssl.so.3:SSL_read")
int on_read(void *ctx)
{
    bpf_loop(3, step, 0, 0);
    return bump(2);
}

SEC("tracepoint/syscalls/sys_enter_openat")
int on_open(void *ctx)
{
    return 0;
}

struct task_struct {
    int gone_member;
    int tgid;
} __attribute__((preserve_access_index));

SEC("uprobe")
int on_task(void *ctx)
{
    struct task_struct *task = (void *)bpf_get_current_task();
    int tgid = 0, gone = 0;
    bpf_probe_read_kernel(&tgid, sizeof(tgid), &task->tgid);
    bpf_probe_read_kernel(&gone, sizeof(gone), &task->gone_member);
    return tgid + gone;
}
