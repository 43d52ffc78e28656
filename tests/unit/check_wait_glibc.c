/* Objects of glibc, recognised from a futex and from what a waiting thread has on its stack. */
#include "suite.h"
#include "wait/glibc.h"

enum { COND = 0x1000, SIZE_OF_COND = 48, FUTEX = COND + 40, OLD_FUTEX = COND + 32 };

static const struct {
    const char *what;
    struct glibc_cond_wait wait;
    uint64_t futex;
    bool is;
} conditions[] = {
    {"the mutex follows at once", {.cond = COND, .mutex = COND + SIZE_OF_COND}, FUTEX, true},
    {"the mutex is before it", {.cond = COND, .mutex = COND - 40}, FUTEX, true},
    {"an older glibc", {.cond = COND, .mutex = 0x3000}, OLD_FUTEX, true},
    {"the other group of waiters", {.sequence = 7, .cond = COND, .mutex = 0x3000}, FUTEX + 4, true},
    {"shared between processes", {.cond = COND, .mutex = 0x3000, .shared = 128}, FUTEX, true},
    {"another group", {.sequence = 6, .cond = COND, .mutex = 0x3000}, FUTEX + 4, false},
    {"another futex", {.cond = COND, .mutex = 0x3000}, FUTEX + 8, false},
    {"an address in the condition variable", {.cond = COND, .mutex = COND + 44}, FUTEX, false},
    {"the condition variable itself", {.cond = COND, .mutex = COND}, FUTEX, false},
    {"no mutex", {.cond = COND}, FUTEX, false},
    {"no aligned mutex", {.cond = COND, .mutex = 0x3002}, FUTEX, false},
    {"no aligned condition variable", {.cond = COND + 4, .mutex = 0x3000}, FUTEX + 4, false},
    {"another word for shared", {.cond = COND, .mutex = 0x3000, .shared = 1}, FUTEX, false},
};

START_TEST(a_wait_for_a_condition_variable)
{
    ck_assert_msg(glibc_is_cond_wait(&conditions[_i].wait, conditions[_i].futex) == conditions[_i].is, "%s",
                  conditions[_i].what);
}
END_TEST

START_TEST(the_barrier_of_a_futex)
{
    ck_assert_uint_eq(glibc_barrier_of_futex(0x1004, 3), 0x1000);        /* a round */
    ck_assert_uint_eq(glibc_barrier_of_futex(0x1000, 1u << 31), 0x1000); /* the barrier is reset: `in` */
}
END_TEST

START_TEST(the_rwlock_of_a_futex)
{
    const uint32_t used = 1 | GLIBC_RWLOCK_FUTEX_USED;
    ck_assert_uint_eq(glibc_rwlock_of_futex(0x100c, used, true), 0x1000);  /* writers wait at writer_futex */
    ck_assert_uint_eq(glibc_rwlock_of_futex(0x1008, 2, true), 0x1000);     /* or at the phase */
    ck_assert_uint_eq(glibc_rwlock_of_futex(0x1008, used, false), 0x1000); /* readers wait at the phase */
    ck_assert_uint_eq(glibc_rwlock_of_futex(0x1000, 8, false), 0x1000);    /* or at `readers` */
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("wait_glibc");
    tcase_add_loop_test(tests, a_wait_for_a_condition_variable, 0, sizeof(conditions) / sizeof(*conditions));
    tcase_add_test(tests, the_barrier_of_a_futex);
    tcase_add_test(tests, the_rwlock_of_a_futex);
    return suite_run("wait_glibc", tests);
}
