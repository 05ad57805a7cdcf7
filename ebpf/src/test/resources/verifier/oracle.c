// Asks the kernel's verifier. Runs in a test as root. Each line of the input is "TYPE HEX": the program type's number
// and the encoded instructions, in which a map is its index below. Prints "accept" or "reject ERRNO LAST-LOG-LINE".
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static char log_text[1 << 20];
static int maps[8];

static int bpf(int command, union bpf_attr *attr) {
    return (int)syscall(SYS_bpf, command, attr, sizeof *attr);
}

static int create(int type, int key, int value, int entries, int flags) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.map_type = type;
    attr.key_size = key;
    attr.value_size = value;
    attr.max_entries = entries;
    attr.map_flags = flags;
    int fd = bpf(BPF_MAP_CREATE, &attr);
    if (fd < 0) {
        perror("BPF_MAP_CREATE");
        exit(2);
    }
    return fd;
}

/* Values for tasks are only created with types. */
static int create_storage(int value) {
    struct {
        unsigned short magic;
        unsigned char version, flags;
        unsigned header, types, types_size, strings, strings_size;
        unsigned integer[4], array[6];
        char names[8];
    } types = {0xeb9f, 1, 0, 24, 0, 40, 40, 5, {1, 1 << 24, 4, 1 << 24 | 32}, {0, 3 << 24, 0, 1, 1, 0}, "\0int"};
    types.array[5] = value / 4;
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.btf = (unsigned long)&types;
    attr.btf_size = 24 + 40 + 5;
    int btf = bpf(BPF_BTF_LOAD, &attr);
    memset(&attr, 0, sizeof attr);
    attr.map_type = BPF_MAP_TYPE_TASK_STORAGE;
    attr.key_size = 4;
    attr.value_size = value;
    attr.map_flags = BPF_F_NO_PREALLOC;
    attr.btf_fd = btf;
    attr.btf_key_type_id = 1;
    attr.btf_value_type_id = 2;
    int fd = bpf(BPF_MAP_CREATE, &attr);
    if (fd < 0) {
        perror("BPF_MAP_CREATE");
        exit(2);
    }
    return fd;
}

static void fill_read_only(int fd) {
    char content[16] = "graft";
    int key = 0;
    union bpf_attr attr;
    content[8] = 7;
    memset(&attr, 0, sizeof attr);
    attr.map_fd = fd;
    attr.key = (unsigned long)&key;
    attr.value = (unsigned long)content;
    if (bpf(BPF_MAP_UPDATE_ELEM, &attr) != 0) {
        perror("BPF_MAP_UPDATE_ELEM");
        exit(2);
    }
    memset(&attr, 0, sizeof attr);
    attr.map_fd = fd;
    if (bpf(BPF_MAP_FREEZE, &attr) != 0) {
        perror("BPF_MAP_FREEZE");
        exit(2);
    }
}

static int load(int type, struct bpf_insn *insns, int count) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.prog_type = type;
    attr.insns = (unsigned long)insns;
    attr.insn_cnt = count;
    attr.license = (unsigned long)"GPL";
    attr.log_buf = (unsigned long)log_text;
    attr.log_size = sizeof log_text;
    attr.log_level = 1;
    log_text[0] = 0;
    return bpf(BPF_PROG_LOAD, &attr);
}

static void report(int fd, int error) {
    if (fd >= 0) {
        close(fd);
        puts("accept");
        return;
    }
    char *end = strstr(log_text, "\nprocessed ");
    if (end) {
        *end = 0;
    }
    char *last = strrchr(log_text, '\n');
    printf("reject %d %s\n", error, last ? last + 1 : log_text);
}

int main(void) {
    static char line[1 << 20];
    static struct bpf_insn insns[65536];
    maps[0] = create(BPF_MAP_TYPE_HASH, 4, 8, 16, 0);
    maps[1] = create(BPF_MAP_TYPE_ARRAY, 4, 64, 16, 0);
    maps[2] = create(BPF_MAP_TYPE_ARRAY, 4, 16, 1, BPF_F_RDONLY_PROG);
    maps[3] = create(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);
    maps[4] = create(BPF_MAP_TYPE_ARRAY, 4, 32, 1, 0);
    maps[5] = create(BPF_MAP_TYPE_PERCPU_HASH, 8, 16, 16, 0);
    maps[6] = create_storage(16);
    maps[7] = create(BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096, 0);
    fill_read_only(maps[2]);
    while (fgets(line, sizeof line, stdin)) {
        char *hex;
        int type = (int)strtol(line, &hex, 10);
        hex++;
        int bytes = (int)strcspn(hex, "\n") / 2;
        for (int i = 0; i < bytes; i++) {
            sscanf(hex + 2 * i, "%2hhx", (unsigned char *)insns + i);
        }
        for (int i = 0; i < bytes / 8; i++) {
            if (insns[i].code == 0x18 && (insns[i].src_reg == 1 || insns[i].src_reg == 2)) {
                insns[i].imm = maps[insns[i].imm];
            }
            if (insns[i].code == 0x18) {
                i++;
            }
        }
        errno = 0;
        int fd = load(type, insns, bytes / 8);
        report(fd, errno);
        fflush(stdout);
    }
    return 0;
}
