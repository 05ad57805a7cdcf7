package graft.ebpf.object;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.verifier.Cause;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
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
            static void *(*lookup)(void *map, const void *key) = (void *)1;
            static u64 (*clock)(void) = (void *)5;
            static void (*lock)(struct bpf_spin_lock *lock) = (void *)93;
            static void (*unlock)(struct bpf_spin_lock *lock) = (void *)94;
            SEC("uprobe") int on_call(void *ctx)
            {
                u32 zero = 0, one = 1;
                struct locked *value = lookup(&LOCKED, &zero), *other = lookup(&LOCKED, &one);
                if (!value || !other)
                    return 0;
                BODY
                return 0;
            }
            """;

    private static Verdict verdict(String body) {
        CollectionSpec object = Clang.load(VALUES.replace("BODY", body), KernelFacts.NONE);
        return Verifier.of(object.maps()).verify(object.programs().get("on_call"));
    }

    @Test
    void aValueIsChangedUnderItsLock() {
        assertThat(
                        verdict(
                                "lock(&value->lock); value->a++; unlock(&value->lock); lock(&other->lock); unlock(&other->lock);"))
                .isInstanceOf(Verdict.Accepted.class);
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
                "struct timed *timed = lookup(&TIMED, &zero); return timed ? timed->a : 1; | UNSUPPORTED",
            })
    void whatTheRulesForbidIsRefused(String body, Cause cause) {
        assertThat(verdict(body))
                .isInstanceOfSatisfying(
                        Verdict.Rejected.class,
                        rejected -> assertThat(rejected.rejection().cause()).isEqualTo(cause));
    }
}
