package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process has the maps that no program in it changes read-only, and all others to read and write. */
@Tag("slow")
class ReadOnlyMapsTest {
    private static final int CALLS = 20;
    private static final Pattern MAPPED = Pattern.compile("\\S+ (\\S+) .*/memfd:graft-map-(\\S+) .*");
    private static final String PROGRAM = """
            #include <stdio.h>
            #include <string.h>
            __attribute__((noipa)) long take(long id) { volatile long x = id; return x; }
            int main(int count, char **words) {
                char line[512];
                FILE *maps = fopen("/proc/self/maps", "r"), *copy = fopen(words[1], "w");
                for (long i = 0; i < %d; i++)
                    take(i);
                while (fgets(line, sizeof line, maps))
                    if (strstr(line, "graft-map-"))
                        fputs(line, copy);
                return fclose(copy);
            }
            """.formatted(CALLS);
    private static final String OBJECT = """
            #include <linux/bpf.h>
            #include <bpf/bpf_helpers.h>
            #define MAP(name, kind, entries) struct { \\
                __uint(type, BPF_MAP_TYPE_##kind); \\
                __uint(max_entries, entries); \\
                __type(key, __u32); \\
                __type(value, __u64); \\
            } name SEC(".maps")
            MAP(array_read, ARRAY, 4);
            MAP(hash_read, HASH, 16);
            MAP(percpu_read, PERCPU_HASH, 16);
            MAP(array_unused, ARRAY, 4);
            MAP(lru_read, LRU_HASH, 16);
            MAP(array_stored, ARRAY, 4);
            MAP(array_counted, ARRAY, 4);
            MAP(array_filled, ARRAY, 4);
            MAP(array_in_function, ARRAY, 4);
            MAP(array_each, ARRAY, 4);
            MAP(hash_updated, HASH, 16);
            MAP(hash_deleted, HASH, 16);
            struct {
                __uint(type, BPF_MAP_TYPE_LPM_TRIE);
                __uint(max_entries, 4);
                __uint(map_flags, BPF_F_NO_PREALLOC);
                __type(key, __u64);
                __type(value, __u64);
            } trie_read SEC(".maps");
            const volatile __u64 limit = 5;
            __u64 total;

            __attribute__((noinline)) int raise(__u64 *value)
            {
                if (!value)
                    return 0;
                *value += 1;
                return 1;
            }

            static long each(void *map, __u32 *key, __u64 *value, void *context)
            {
                *value += 1;
                return 0;
            }

            SEC("uprobe/:take")
            int on_take(void *registers)
            {
                __u32 key = 1;
                __u64 one = 1, *value;
                total += limit;
                if ((value = bpf_map_lookup_elem(&array_read, &key)))
                    total += *value;
                if ((value = bpf_map_lookup_elem(&hash_read, &key)))
                    total += *value;
                if ((value = bpf_map_lookup_elem(&percpu_read, &key)))
                    total += *value;
                bpf_map_lookup_elem(&lru_read, &key);
                bpf_map_lookup_elem(&trie_read, &one);
                if ((value = bpf_map_lookup_elem(&array_stored, &key)))
                    *value = one;
                if ((value = bpf_map_lookup_elem(&array_counted, &key)))
                    __sync_fetch_and_add(value, 1);
                if ((value = bpf_map_lookup_elem(&array_filled, &key)))
                    bpf_probe_read_kernel(value, sizeof *value, &one);
                raise(bpf_map_lookup_elem(&array_in_function, &key));
                bpf_for_each_map_elem(&array_each, each, 0, 0);
                bpf_map_update_elem(&hash_updated, &key, &one, BPF_ANY);
                bpf_map_delete_elem(&hash_deleted, &key);
                return 0;
            }
            char LICENSE[] SEC("license") = "GPL";
            """;

    @TempDir
    private Path folder;

    @Test
    void onlyMapsThatProgramsChangeCanBeWritten() throws IOException, InterruptedException {
        Path object = folder.resolve("maps.bpf.o");
        Path program = folder.resolve("program");
        Path copy = folder.resolve("mapped");
        Path source = Files.writeString(folder.resolve("maps.bpf.c"), OBJECT);
        Path main = Files.writeString(folder.resolve("program.c"), PROGRAM);
        String include = "-I/usr/include/x86_64-linux-gnu";
        succeeds("clang-19", "-g", "-O2", "-target", "bpf", "-mcpu=v3", include, "-c", source, "-o", object);
        succeeds("gcc", "-O2", "-o", program, main);

        GraftRun run = GraftRun.of("run", object.toString(), "--", program.toString(), copy.toString());

        assertThat(run.status()).as(run.errors()).isZero();
        assertThat(run.output())
                .containsPattern("array_counted\\[1] = " + CALLS + "\\R")
                .containsPattern("array_filled\\[1] = 1\\R")
                .containsPattern("array_in_function\\[1] = " + CALLS + "\\R")
                .containsPattern("array_each\\[3] = " + CALLS + "\\R")
                .containsPattern("hash_updated\\[1] = 1\\R");
        Map<String, String> access = new HashMap<>();
        for (String line : Files.readAllLines(copy)) {
            Matcher matcher = MAPPED.matcher(line);
            assertThat(matcher.matches()).as(line).isTrue();
            access.put(matcher.group(2), matcher.group(1));
        }
        assertThat(access)
                .containsEntry("array_read", "r--s")
                .containsEntry("hash_read", "r--s")
                .containsEntry("percpu_read", "r--s")
                .containsEntry("lru_read", "rw-s")
                .containsEntry("trie_read", "rw-s")
                .containsEntry("array_stored", "rw-s")
                .containsEntry("array_counted", "rw-s")
                .containsEntry("array_filled", "rw-s")
                .containsEntry("array_in_function", "rw-s")
                .containsEntry("array_each", "rw-s")
                .containsEntry("hash_updated", "rw-s")
                .containsEntry("hash_deleted", "rw-s")
                .containsEntry(".rodata", "r--s")
                .containsEntry(".bss", "rw-s");
    }

    private static void succeeds(Object... words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        for (Object word : words) {
            command.add(word.toString());
        }
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }
}
