package graft.ebpf.object;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import graft.ebpf.verifier.Cause;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Locks and timers in values, for programs in processes: the rules are the kernel's, but that such programs may have locks. */
class SpecialFieldsTest {
    private static final String VALUES = """
            struct bpf_spin_lock { u32 val; };
            struct bpf_timer { u64 opaque[2]; } __attribute__((aligned(8)));
            struct locked { u64 a; struct bpf_spin_lock lock; u32 b; };
            struct timed { u64 a; struct bpf_timer timer; };
            struct { __uint(type, 2); __uint(max_entries, 2); __type(key, u32); __type(value, struct locked); } LOCKED SEC(".maps");
            struct { __uint(type, 2); __uint(max_entries, 2); __type(key, u32); __type(value, struct timed); } TIMED SEC(".maps");
            struct bpf_wq { u64 opaque[2]; } __attribute__((aligned(8)));
            struct work { u64 a; struct bpf_wq wq; };
            struct { __uint(type, 2); __uint(max_entries, 2); __type(key, u32); __type(value, struct work); } WORK SEC(".maps");
            struct { __uint(type, 6); __uint(max_entries, 2); __type(key, u32); __type(value, u64); } ROWS SEC(".maps");
            static int (*init)(struct bpf_timer *timer, void *map, u64 flags) = (void *)169;
            static int (*set)(struct bpf_timer *timer, void *callback) = (void *)170;
            static int (*start)(struct bpf_timer *timer, u64 nanos, u64 flags) = (void *)171;
            static int (*cancel)(struct bpf_timer *timer) = (void *)172;
            static u64 (*pid)(void) = (void *)14;
            static void *(*lookup)(void *map, const void *key) = (void *)1;
            static u64 (*clock)(void) = (void *)5;
            static void (*lock)(struct bpf_spin_lock *lock) = (void *)93;
            static void (*unlock)(struct bpf_spin_lock *lock) = (void *)94;
            static int again(void *map, u32 *key, struct timed *value)
            {
                value->a += *key;
                set(&value->timer, again);
                start(&value->timer, 1000, 0);
                return 0;
            }
            static int returns_one(void *map, u32 *key, struct timed *value) { return 1; }
            static int asks_who(void *map, u32 *key, struct timed *value) { value->a = pid(); return 0; }
            struct { __uint(type, 33); __uint(map_flags, 1024); __uint(max_entries, 1); } ARENA SEC(".maps");
            FUNCTION
            static __attribute__((noinline)) u64 asks(void) { return pid(); }
            static int asks_far_away(void *map, u32 *key, struct timed *value) { value->a = asks(); return 0; }
            static int counts_in_rows(void *map, u32 *key, struct timed *value)
            {
                u64 *row = lookup(&ROWS, key);
                if (row)
                    ++*row;
                return 0;
            }
            SEC("uprobe") int on_call(void *ctx)
            {
                u32 zero = 0, one = 1;
                struct locked *value = lookup(&LOCKED, &zero), *other = lookup(&LOCKED, &one);
                struct timed *timed = lookup(&TIMED, &one);
                if (!value || !other || !timed)
                    return 0;
                BODY
                return 0;
            }
            """;

    private static Verdict verdict(String body) {
        CollectionSpec object = Clang.load(VALUES.replace("FUNCTION", "").replace("BODY", body), KernelFacts.NONE);
        return Verifier.of(object.maps()).verify(object.programs().get("on_call"));
    }

    @Test
    void aValueIsChangedUnderItsLock() {
        assertThat(
                        verdict(
                                "lock(&value->lock); value->a++; unlock(&value->lock); lock(&other->lock); unlock(&other->lock);"))
                .isInstanceOf(Verdict.Accepted.class);
    }

    /** The function gives the timer to itself again: it runs on its own each time. */
    @Test
    void aTimersFunctionMayStartItAgain() {
        Verdict verdict = verdict(
                "init(&timed->timer, &TIMED, 1); set(&timed->timer, again); start(&timed->timer, 5, 0); cancel(&timed->timer);");
        assertThat(verdict)
                .as("%s", verdict)
                .isInstanceOfSatisfying(
                        Verdict.Accepted.class,
                        accepted ->
                                assertThat(accepted.facts().timerFunctions()).hasSize(2));
    }

    @Test
    void functionsOfTimersHaveNoArena() {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/clang-19")), "clang before 19 has no arenas");
        String function = """
                static int writes_to_arena(void *map, u32 *key, struct timed *value)
                {
                    *(u64 __attribute__((address_space(1))) *)value->a = 1;
                    return 0;
                }
                """;
        String body = "asm volatile (\"\" :: \"r\"(&ARENA)); set(&timed->timer, writes_to_arena);";
        CollectionSpec object =
                Clang.load(VALUES.replace("FUNCTION", function).replace("BODY", body), KernelFacts.NONE);
        Verdict verdict = Verifier.of(object.maps()).verify(object.programs().get("on_call"));
        assertThat(verdict.toString()).contains("there is no arena");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "lock(&value->lock); lock(&other->lock); unlock(&other->lock); unlock(&value->lock); | BAD_LOCK",
                "lock(&value->lock); unlock(&other->lock); | BAD_LOCK",
                "unlock(&value->lock); | BAD_LOCK",
                "lock(&value->lock); | BAD_LOCK",
                "lock(&value->lock); value->a = clock(); unlock(&value->lock); | BAD_LOCK",
                "value->lock.val = 1; | SPECIAL_FIELD",
                "return value->lock.val; | SPECIAL_FIELD",
                "lock((void *)&value->b); | BAD_ARGUMENT",
                "return timed->timer.opaque[0]; | SPECIAL_FIELD",
                "timed->timer.opaque[1] = 1; | SPECIAL_FIELD",
                "init(&timed->timer, &LOCKED, 1); | BAD_ARGUMENT",
                "init((void *)&timed->a, &TIMED, 1); | BAD_ARGUMENT",
                "set(&timed->timer, returns_one); | BAD_CALLBACK",
                "set(&timed->timer, asks_who); | BAD_CALLBACK",
                "set(&timed->timer, asks_far_away); | BAD_CALLBACK",
                "set(&timed->timer, counts_in_rows); | BAD_CALLBACK",
                "lock(&value->lock); start(&timed->timer, 1, 0); unlock(&value->lock); | BAD_LOCK",
                "struct work *work = lookup(&WORK, &zero); return work ? work->a : 1; | UNSUPPORTED",
            })
    void whatTheRulesForbidIsRefused(String body, Cause cause) {
        assertThat(verdict(body))
                .isInstanceOfSatisfying(
                        Verdict.Rejected.class,
                        rejected -> assertThat(rejected.rejection().cause()).isEqualTo(cause));
    }
}
