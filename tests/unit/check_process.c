/* What /proc has about a process: this one, and one that the test starts. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proc/process.h"
#include "proc/tasks.h"
#include "suite.h"

static pthread_barrier_t ready, done;

static void spin_for(double seconds)
{
    struct timespec used;
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    while ((double)used.tv_sec + (double)used.tv_nsec / 1e9 < seconds);
}

struct worker {
    const char *name;
    double cpu_s;
    pid_t tid;
    pthread_t thread;
};

static void *work(void *arg)
{
    struct worker *worker = arg;
    worker->tid = (pid_t)syscall(SYS_gettid);
    prctl(PR_SET_NAME, worker->name);
    spin_for(worker->cpu_s);
    pthread_barrier_wait(&ready);
    pthread_barrier_wait(&done);
    return NULL;
}

START_TEST(threads_are_listed)
{
    struct worker workers[] = {{.name = "plain"},
                               {.name = "with space"},
                               {.name = "a) S 1 (b"},
                               {.name = "((("},
                               {.name = ")))"},
                               {.name = ""},
                               {.name = "fifteen-letters"},
                               {.name = "busy", .cpu_s = 0.05}};
    enum { N = sizeof(workers) / sizeof(workers[0]) };
    struct task_list list;
    pthread_barrier_init(&ready, NULL, N + 1);
    pthread_barrier_init(&done, NULL, N + 1);
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    pthread_barrier_wait(&ready);

    ck_assert(process_tasks(getpid(), &list));
    ck_assert_uint_eq(list.count, N + 1);
    for (size_t i = 1; i < list.count; i++)
        ck_assert_int_lt(list.tasks[i - 1].tid, list.tasks[i].tid);
    for (int i = 0; i < N; i++) {
        const struct task *task = task_list_find(&list, workers[i].tid);
        ck_assert_ptr_nonnull(task);
        ck_assert_str_eq(task->name, workers[i].name);
        ck_assert_msg(task->cpu_s >= workers[i].cpu_s * 0.9 && task->cpu_s < 5, "%g s", task->cpu_s);
        ck_assert_uint_gt(task->start_ticks, 0);
        ck_assert_ptr_nonnull(strchr("SRD", task->state));
    }
    ck_assert_int_eq(task_list_find(&list, getpid())->state, 'R');
    ck_assert_ptr_null(task_list_find(&list, 1 << 30));
    task_list_release(&list);
    ck_assert_ptr_null(task_list_find(&list, getpid()));

    pthread_barrier_wait(&done);
    for (int i = 0; i < N; i++)
        pthread_join(workers[i].thread, NULL);
}
END_TEST

static void *wait_for_done(void *arg)
{
    (void)arg;
    pthread_barrier_wait(&done);
    return NULL;
}

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The least CPU time of three lists. */
static double list_tasks(size_t expected)
{
    struct task_list list;
    double best = 1e9;
    for (int i = 0; i < 3; i++) {
        double start = cpu_s();
        ck_assert(process_tasks(getpid(), &list));
        double took = cpu_s() - start;
        best = took < best ? took : best;
        ck_assert_uint_eq(list.count, expected);
        task_list_release(&list);
    }
    return best;
}

START_TEST(time_grows_as_the_threads_do)
{
    enum { FEW = 1000, MANY = 10000 };
    static pthread_t threads[MANY];
    pthread_attr_t attr;
    double few = 0;
    unsigned made = 0;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 65536);
    pthread_barrier_init(&done, NULL, MANY + 1);
    while (made < MANY && pthread_create(&threads[made], &attr, wait_for_done, NULL) == 0)
        if (++made == FEW)
            few = list_tasks(FEW + 1);
    if (made < MANY) {
        skip("only %u threads allowed here", made);
        return;
    }
    double many = list_tasks(MANY + 1);
    printf("%d tasks listed in %.0f ms, %d in %.0f ms\n", FEW, few * 1e3, MANY, many * 1e3);
    ck_assert_msg(many < 50 * few, "%g s, %g s", few, many); /* quadratic: 100 times */
    pthread_barrier_wait(&done);
    for (unsigned i = 0; i < made; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

START_TEST(a_process_that_is_gone)
{
    struct task_list list;
    siginfo_t info;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    ck_assert(!process_exists(pid)); /* a zombie */
    ck_assert_int_eq(process_parent(pid), getpid());
    waitpid(pid, NULL, 0);
    errno = 0;
    ck_assert(!process_tasks(pid, &list));
    ck_assert_int_ne(errno, 0);
    ck_assert_uint_eq(list.count, 0);
    ck_assert(!process_exists(pid));
    ck_assert(!process_exists(0));
    ck_assert(!process_exists(-1));
    ck_assert_ptr_null(process_exe(pid));
    ck_assert_ptr_null(process_argv(pid));
    ck_assert_int_eq(process_parent(pid), 0);
    ck_assert(!process_maps_file(pid, "libc.so.6"));
    free(NULL);
}
END_TEST

START_TEST(ourselves)
{
    char link[4096];
    ssize_t n = readlink("/proc/self/exe", link, sizeof(link) - 1);
    link[n > 0 ? n : 0] = 0;
    char *exe = process_exe(getpid());
    ck_assert_str_eq(exe, link);
    ck_assert(process_exists(getpid()));
    ck_assert_int_eq(process_parent(getpid()), getppid());
    ck_assert(process_maps_file(getpid(), strrchr(exe, '/') + 1));
    ck_assert(!process_maps_file(getpid(), "libthreadleak-not.so"));
    free(exe);
}
END_TEST

/* A shell that has stopped itself: its exec is over in every respect. */
static pid_t stopped_shell(const char *path, char *const *argv)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execv(path, argv);
        _exit(9);
    }
    ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
    ck_assert(WIFSTOPPED(status));
    return pid;
}

START_TEST(odd_names_and_arguments)
{
    char path[128], command[256];
    struct task_list list;
    snprintf(path, sizeof(path), "/tmp/a) R (%d", (int)getpid());
    snprintf(command, sizeof(command), "cp /bin/sh '%s'", path);
    ck_assert_int_eq(system(command), 0);
    pid_t pid = stopped_shell(path, (char *[]){"", "-c", "kill -STOP $$", NULL});
    unlink(path);

    char *exe = process_exe(pid);
    char **argv = process_argv(pid);
    ck_assert(process_tasks(pid, &list));
    ck_assert_str_eq(exe, path); /* without " (deleted)" */
    ck_assert_str_eq(list.tasks[0].name, strrchr(path, '/') + 1);
    ck_assert_int_eq(process_parent(pid), getpid());
    ck_assert_str_eq(argv[0], "");
    ck_assert_str_eq(argv[1], "-c");
    ck_assert_str_eq(argv[2], "kill -STOP $$");
    ck_assert_ptr_null(argv[3]);
    ck_assert_int_eq(list.tasks[0].state, 'T');
    ck_assert(process_maps_file(pid, "libc.so.6"));
    ck_assert(process_maps_file(pid, strrchr(path, '/') + 1));
    free(exe);
    free(argv);
    task_list_release(&list);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(many_long_arguments)
{
    enum { N = 40, LENGTH = 1000 };
    static char texts[N][LENGTH];
    char *args[N + 4] = {"sh", "-c", "kill -STOP $$"};
    for (int i = 0; i < N; i++) {
        memset(texts[i], 'a' + i % 26, (size_t)(LENGTH - 1));
        args[i + 3] = texts[i];
    }
    pid_t pid = stopped_shell("/bin/sh", args);
    char **argv = process_argv(pid);
    for (int i = 0; i < N + 3; i++)
        ck_assert_str_eq(argv[i], args[i]);
    ck_assert_ptr_null(argv[N + 3]);
    free(argv);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
END_TEST

static void *outlive_main(void *arg)
{
    char state = 0, path[64], text[256];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)getpid());
    while (state != 'Z') {
        FILE *file = fopen(path, "r");
        state = fgets(text, sizeof(text), file) ? strrchr(text, ')')[2] : 'Z';
        fclose(file);
    }
    if (write(*(int *)arg, "", 1) == 1)
        pause();
    return NULL;
}

START_TEST(a_main_thread_that_left_does_not_matter)
{
    int ends[2];
    char byte;
    struct task_list list;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (pthread_create(&thread, NULL, outlive_main, &ends[1]) != 0)
            _exit(9);
        syscall(SYS_exit, 0);
    }
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    char *exe = process_exe(pid), *own = process_exe(getpid());
    char **argv = process_argv(pid);
    ck_assert(process_exists(pid));
    ck_assert_str_eq(exe, own);
    ck_assert_ptr_nonnull(argv);
    ck_assert(process_maps_file(pid, strrchr(own, '/') + 1));
    ck_assert(process_tasks(pid, &list));
    ck_assert_uint_eq(list.count, 2);
    ck_assert_int_eq(list.tasks[0].state, 'Z');
    task_list_release(&list);
    free(argv);
    free(exe);
    free(own);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(pid_1_hides_what_it_may)
{
    struct task_list list;
    if (getuid() == 0) {
        skip("root may read pid 1");
        return;
    }
    ck_assert(process_exists(1));
    ck_assert_ptr_null(process_exe(1));
    ck_assert(!process_maps_file(1, "libc.so.6"));
    if (process_tasks(1, &list)) /* not under hidepid= */
        task_list_release(&list);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("process");
    tcase_add_test(tests, threads_are_listed);
    tcase_add_test(tests, time_grows_as_the_threads_do);
    tcase_add_test(tests, a_process_that_is_gone);
    tcase_add_test(tests, ourselves);
    tcase_add_test(tests, odd_names_and_arguments);
    tcase_add_test(tests, many_long_arguments);
    tcase_add_test(tests, a_main_thread_that_left_does_not_matter);
    tcase_add_test(tests, pid_1_hides_what_it_may);
    return suite_run("process", tests);
}
