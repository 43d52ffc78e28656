/* What the system call of a thread says about its wait: the table of wait/kinds.def. */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>

#include "common/compat.h"
#include "suite.h"
#include "wait/describe.h"

START_TEST(a_call_without_a_row_is_printed_as_its_number)
{
    const struct snapshot_thread thread = {.syscall_nr = 9999};
    struct wait wait = {.on = WAIT_NONE};
    struct line line = {.length = 0};
    const struct view view = {.thread = &thread,
                              .call = wait_call_of(thread.syscall_nr, thread.syscall_args),
                              .wait = &wait,
                              .line = &line};
    ck_assert_int_eq(view.call.time, TIME_UNKNOWN);
    ck_assert(view.call.describe(&view));
    ck_assert_int_eq(wait.on, WAIT_OTHER);
    ck_assert_str_eq(line.text, "system call 9999");
}
END_TEST

static const struct {
    uint64_t operation;
    enum call_time time;
    int clock;
} futexes[] = {
    {FUTEX_WAIT_PRIVATE, TIME_RELATIVE, 0},
    {FUTEX_WAIT_BITSET_PRIVATE, TIME_ABSOLUTE, CLOCK_MONOTONIC},
    {FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, TIME_ABSOLUTE, CLOCK_REALTIME},
    {FUTEX_LOCK_PI_PRIVATE, TIME_ABSOLUTE, CLOCK_REALTIME},
    {FUTEX_LOCK_PI2 | FUTEX_PRIVATE_FLAG, TIME_ABSOLUTE, CLOCK_MONOTONIC},
};

START_TEST(the_operation_of_a_futex_decides_what_its_timeout_is)
{
    const uint64_t arguments[6] = {0x1000, futexes[_i].operation, 2, 0x2000};
    const struct wait_call call = wait_call_of(SYS_futex, arguments);
    ck_assert_int_eq(call.time, futexes[_i].time);
    ck_assert_uint_eq(call.timeout, 0x2000);
    if (call.time == TIME_ABSOLUTE)
        ck_assert_int_eq(call.clock, futexes[_i].clock);
}
END_TEST

START_TEST(the_flags_of_a_sleep_decide_what_its_time_is)
{
    const uint64_t until[6] = {CLOCK_MONOTONIC, TIMER_ABSTIME, 0x2000, 0x3000};
    struct wait_call call = wait_call_of(SYS_clock_nanosleep, until);
    ck_assert(call.is_sleep && call.time == TIME_ABSOLUTE && call.timeout == 0x2000 && call.left == 0);
    ck_assert_int_eq(call.clock, CLOCK_MONOTONIC);
    const uint64_t during[6] = {CLOCK_MONOTONIC, 0, 0x2000, 0x3000};
    call = wait_call_of(SYS_clock_nanosleep, during);
    ck_assert(call.is_sleep && call.time != TIME_ABSOLUTE && call.timeout == 0x2000 && call.left == 0x3000);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("wait_calls");
    tcase_add_test(tests, a_call_without_a_row_is_printed_as_its_number);
    tcase_add_loop_test(tests, the_operation_of_a_futex_decides_what_its_timeout_is, 0,
                        sizeof(futexes) / sizeof(*futexes));
    tcase_add_test(tests, the_flags_of_a_sleep_decide_what_its_time_is);
    return suite_run("wait_calls", tests);
}
