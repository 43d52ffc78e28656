/* A hook of a function that libc lacks fails as the function would. */
#include <errno.h>
#include <signal.h>

#include "preload/shim/real.h"
#include "suite.h"

static int call(const char *name)
{
    void *place = NULL;
    int (*function)(void) = (int (*)(void))real_find(&place, name);
    ck_assert_ptr_null(place);
    ck_assert_ptr_nonnull(function);
    errno = EBADF;
    return function();
}

START_TEST(minus_one_and_errno)
{
    ck_assert_int_eq(call("no_libc_has_this"), -1);
    ck_assert_int_eq(errno, ENOSYS);
}
END_TEST

START_TEST(an_error_number_and_no_errno)
{
    ck_assert_int_eq(call("pthread_no_libc_has_this"), ENOSYS);
    ck_assert_int_eq(errno, EBADF);
    ck_assert_int_eq(call("__pthread_no_libc_has_this"), ENOSYS);
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(an_error_of_c11_and_no_errno)
{
    static const char *const names[] = {"thrd_no_libc_has_this", "cnd_no_libc_has_this",
                                        "tss_no_libc_has_this"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        ck_assert_int_eq(call(names[i]), thrd_error);
        ck_assert_int_eq(errno, EBADF);
    }
}
END_TEST

START_TEST(sig_err)
{
    void *place = NULL;
    sighandler_t (*function)(int, sighandler_t) =
        (sighandler_t(*)(int, sighandler_t))real_find(&place, "sig_no_libc_has_this");
    ck_assert_ptr_eq((void *)function(SIGINT, SIG_DFL), (void *)SIG_ERR);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("real");
    tcase_add_test(tests, minus_one_and_errno);
    tcase_add_test(tests, an_error_number_and_no_errno);
    tcase_add_test(tests, an_error_of_c11_and_no_errno);
    tcase_add_test(tests, sig_err);
    return suite_run("real", tests);
}
