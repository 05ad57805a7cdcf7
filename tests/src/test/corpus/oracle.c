// The running kernel's verdict on every program of some objects: oracle OBJECT...
// One line a program, fields separated by tabs: object, program, section, "accept", "reject" or "unknown", errno,
// instructions the kernel walked, the line of its log that says why. Loads each program alone, so that one does not
// spoil another. "unknown": it was refused before the verifier looked, for example because what it attaches to is not in
// this kernel.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static char log_text[1 << 20];

static int silent(enum libbpf_print_level level, const char *format, va_list args) { return 0; }

// Cuts the statistics off and leaves the last line, which is the reason. Empty when the verifier found none.
static const char *reason(void) {
    char *stats = strstr(log_text, "processed ");
    while (stats && stats != log_text && stats[-1] != '\n') {
        stats = strstr(stats + 1, "processed ");
    }
    if (!stats) {
        return log_text;
    }
    *stats = 0;
    char *mark = strstr(log_text, "verification time");
    if (mark && (mark == log_text || mark[-1] == '\n')) {
        *mark = 0;
    }
    size_t length = strlen(log_text);
    while (length > 0 && log_text[length - 1] == '\n') {
        log_text[--length] = 0;
    }
    char *line = strrchr(log_text, '\n');
    line = line ? line + 1 : log_text;
    for (char *c = line; *c; c++) {
        if (*c == '\t') {
            *c = ' ';
        }
    }
    return line;
}

static int was_verified(void) { return strstr(log_text, "processed ") != NULL; }

static const char *first_line(void) {
    log_text[strcspn(log_text, "\n\t")] = 0;
    return log_text;
}

static unsigned walked(int fd) {
    struct bpf_prog_info info = {0};
    unsigned size = sizeof info;
    return bpf_prog_get_info_by_fd(fd, &info, &size) ? 0 : info.verified_insns;
}

static void give_sizes(struct bpf_object *object) {
    struct bpf_map *map;
    bpf_object__for_each_map(map, object) {
        int type = bpf_map__type(map);
        int unsized = bpf_map__max_entries(map) == 0;
        if (unsized && type != BPF_MAP_TYPE_PERF_EVENT_ARRAY && type != BPF_MAP_TYPE_TASK_STORAGE
            && type != BPF_MAP_TYPE_SK_STORAGE && type != BPF_MAP_TYPE_INODE_STORAGE && type != BPF_MAP_TYPE_CGRP_STORAGE
            && type != BPF_MAP_TYPE_STRUCT_OPS && type != BPF_MAP_TYPE_CGROUP_STORAGE
            && type != BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE) {
            bpf_map__set_max_entries(map, 1024);
        }
        if (type == BPF_MAP_TYPE_STACK_TRACE && bpf_map__value_size(map) == 0) {
            bpf_map__set_value_size(map, 127 * 8);
        }
    }
}

static void one(const char *path, const char *name, int level) {
    log_text[0] = 0;
    struct bpf_object *object = bpf_object__open_file(path, NULL);
    if (!object) {
        printf("%s\t%s\t\tunknown\t%d\t0\tcannot be opened\n", path, name, errno);
        return;
    }
    struct bpf_program *prog, *wanted = NULL;
    bpf_object__for_each_program(prog, object) {
        bpf_program__set_autoload(prog, strcmp(bpf_program__name(prog), name) == 0);
        if (strcmp(bpf_program__name(prog), name) == 0) {
            wanted = prog;
            bpf_program__set_log_buf(prog, log_text, sizeof log_text);
            bpf_program__set_log_level(prog, level);
        }
    }
    give_sizes(object);
    int error = bpf_object__load(object);
    unsigned count = error ? 0 : walked(bpf_program__fd(wanted));
    const char *section = bpf_program__section_name(wanted);
    if (!error) {
        printf("%s\t%s\t%s\taccept\t0\t%u\t\n", path, name, section, count);
    } else if (error == -ENOSPC && level == 1) {  // the log was too long, which says nothing about the program
        bpf_object__close(object);
        one(path, name, 4);
        return;
    } else if (!was_verified()) {
        printf("%s\t%s\t%s\tunknown\t%d\t0\t%s\n", path, name, section, -error, first_line());
    } else {
        const char *why = reason();  // none: it was loaded, and something after that failed
        int refused = *why || error != -EBADF;
        printf("%s\t%s\t%s\t%s\t%d\t0\t%s\n", path, name, section, refused ? "reject" : "accept", -error, why);
    }
    bpf_object__close(object);
}

int main(int argc, char **argv) {
    struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_MEMLOCK, &unlimited);
    libbpf_set_print(silent);
    for (int i = 1; i < argc; i++) {
        struct bpf_object *object = bpf_object__open_file(argv[i], NULL);
        if (!object) {
            printf("%s\t\t\tunknown\t%d\t0\tcannot be opened\n", argv[i], errno);
            continue;
        }
        struct bpf_program *prog;
        bpf_object__for_each_program(prog, object) {
            one(argv[i], bpf_program__name(prog), 1);
        }
        bpf_object__close(object);
        fflush(stdout);
    }
    return 0;
}
