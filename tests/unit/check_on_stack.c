/* Functions on a stack of their own. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "preload/shim/guard.h"
#include "preload/shim/on_stack.h"
#include "preload/shim/readable.h"
#include "preload/shim/stack_room.h"
#include "preload/shim/state.h"
#include "suite.h"

static atomic_bool begun, cancelled, finished;

static void wait_for(atomic_bool *what)
{
    while (!atomic_load(what))
        nanosleep(&(struct timespec){0, 100000}, NULL);
}

static void be_cancelled(void *arg)
{
    (void)arg;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    atomic_store(&begun, true);
    while (!atomic_load(&cancelled))
        ;
    atomic_store(&finished, true);
    /* AddressSanitizer cannot unwind a cancelled thread. */
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
}

static void *run(void *arg)
{
    on_new_stack(be_cancelled, NULL);
    return arg;
}

/* It would unwind from a stack that has no end for the unwinder. */
START_TEST(no_cancellation_meanwhile)
{
    pthread_t thread;
    void *result;
    ck_assert_int_eq(pthread_create(&thread, NULL, run, &begun), 0);
    wait_for(&begun);
    ck_assert_int_eq(pthread_cancel(thread), 0);
    atomic_store(&cancelled, true);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert(atomic_load(&finished));
    ck_assert_ptr_eq(result, &begun);
}
END_TEST

static void see_mask(void *arg)
{
    pthread_sigmask(SIG_SETMASK, NULL, arg);
}

/* A handler that leaves by a jump would leave the work half done. */
START_TEST(no_handler_meanwhile_even_without_memory)
{
    sigset_t mask;
    struct rlimit none = {0, RLIM_INFINITY};
    spare_give_back();
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
    sigemptyset(&mask);
    on_new_stack(see_mask, &mask);
    none.rlim_cur = none.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
    ck_assert_int_eq(sigismember(&mask, SIGUSR1), 1);
    ck_assert_int_eq(sigismember(&mask, SIGSEGV), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    ck_assert_int_eq(sigismember(&mask, SIGUSR1), 0);
}
END_TEST

static void write_there(void *arg)
{
    volatile char here = 1;
    *(uintptr_t *)arg = (uintptr_t)&here;
}

static struct ledger_header header;
static struct shim_state state = {.header = &header};

/* What it had, such as a handle, would be found by a search through the memory of the program. */
START_TEST(the_same_stack_again_and_empty)
{
    uintptr_t first, second;
    shim_state = &state;
    on_new_stack(write_there, &first);
    ck_assert(memory_is_readable((void *)first));
    ck_assert_int_eq(*(volatile char *)first, 0);
    on_new_stack(write_there, &second);
    ck_assert_uint_eq(first, second);
    spare_give_back();
    ck_assert(!memory_is_readable((void *)first));
}
END_TEST

static bool kill_for_madvise(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* A filter that the process inherited can end it for a call that libc does not make. */
START_TEST(before_there_is_a_ledger_it_is_mapped_and_unmapped)
{
    uintptr_t there = 0;
    int status;
    pid_t child = fork();
    if (child == 0) {
        bool killed_for = kill_for_madvise(); /* not on a kernel without seccomp */
        on_new_stack(write_there, &there);
        _exit(there && (!killed_for || !memory_is_readable((void *)there)) ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

static bool is_left[2];

static void see_jumps(void *unused)
{
    (void)unused;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    is_left[0] = guard_is_left(here, here - 64);
    is_left[1] = guard_is_left(here, shim_tls.own_stack - 64);
}

/* The stack of a thread can be mapped directly below one of the shim. */
START_TEST(a_hook_on_it_does_not_follow_a_jump_from_below_it)
{
    on_new_stack(see_jumps, NULL);
    ck_assert(is_left[0]);
    ck_assert(!is_left[1]);
}
END_TEST

START_TEST(a_locked_stack_is_not_kept)
{
    uintptr_t there;
    shim_state = &state;
    char *memory =
        syscall(SYS_mlockall, MCL_FUTURE) == 0 ? spare_take() : NULL; /* ASan has its own mlockall */
    if (!memory)                                                      /* RLIMIT_MEMLOCK */
        return;
    on_new_stack(write_there, &there);
    ck_assert(!memory_is_readable((void *)there));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("stack");
    tcase_add_test(tests, no_cancellation_meanwhile);
    tcase_add_test(tests, no_handler_meanwhile_even_without_memory);
    tcase_add_test(tests, the_same_stack_again_and_empty);
    tcase_add_test(tests, before_there_is_a_ledger_it_is_mapped_and_unmapped);
    tcase_add_test(tests, a_hook_on_it_does_not_follow_a_jump_from_below_it);
    tcase_add_test(tests, a_locked_stack_is_not_kept);
    return suite_run("on_stack", tests);
}
