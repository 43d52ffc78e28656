/* Runs the tests, and what they share. */
#include <dirent.h>
#include <semaphore.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "harmless.h"

extern const struct test __start_tests[], __stop_tests[];

/* ---- lines ----------------------------------------------------------------------- */

static void print_line(const char *format, ...)
{
    char line[2048];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(line, sizeof(line), format, list);
    va_end(list);
    if (write(1, line, (size_t)length) != length)
        _exit(9);
}

void is(const char *what, long value, long wanted)
{
    if (value == wanted)
        print_line("%s: %ld\n", what, value);
    else
        print_line("%s: %ld, not %ld\n", what, value, wanted);
}

void text_is(const char *what, const char *value, const char *wanted)
{
    if (strcmp(value, wanted) == 0)
        print_line("%s: %s\n", what, value);
    else
        print_line("%s: %s, not %s\n", what, value, wanted);
}

static char letters[64];
static _Atomic unsigned letter_count;

void happened(char letter)
{
    unsigned at = letter_count++;
    if (at < sizeof(letters) - 1)
        letters[at] = letter;
}

const char *happenings(void)
{
    return letters;
}

/* ---- processes --------------------------------------------------------------------- */

const char *status_text(int status)
{
    static char text[32];
    if (WIFSIGNALED(status))
        snprintf(text, sizeof(text), "signal %d", WTERMSIG(status));
    else
        snprintf(text, sizeof(text), "exit %d", WEXITSTATUS(status));
    return text;
}

const char *status_of_pid(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) != pid)
        if (errno != EINTR)
            return "no child";
    return status_text(status);
}

const char *status_of(void (*run)(void))
{
    pid_t pid = fork();
    if (pid != 0)
        return status_of_pid(pid);
    run();
    exit(0);
}

/* ---- threads -------------------------------------------------------------------------- */

pthread_t begin(void *(*routine)(void *), void *arg)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, routine, arg);
    if (error) {
        is("pthread_create", error, 0);
        _exit(9);
    }
    return thread;
}

void *joined(pthread_t thread)
{
    void *value = NULL;
    int error = pthread_join(thread, &value);
    if (error)
        is("pthread_join", error, 0);
    return value;
}

void *nothing(void *arg)
{
    return arg;
}

void *wait_for_ever(void *arg)
{
    static sem_t never;
    sem_wait(&never);
    return arg;
}

void *run_thread(void *(*routine)(void *), void *arg)
{
    return joined(begin(routine, arg));
}

void *shared_page(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

struct timespec after_ms(clockid_t clock, long ms)
{
    struct timespec at;
    clock_gettime(clock, &at);
    long ns = at.tv_nsec + ms % 1000 * 1000000;
    return (struct timespec){at.tv_sec + ms / 1000 + ns / 1000000000, ns % 1000000000};
}

void sleep_ms(long ms)
{
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

static char state_of(pid_t tid)
{
    char path[64], text[512];
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
    FILE *file = fopen(path, "r");
    size_t size = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
    if (file)
        fclose(file);
    text[size] = 0;
    const char *name_end = strrchr(text, ')');
    return name_end && name_end[1] ? name_end[2] : 'X';
}

void await_asleep(pid_t tid)
{
    while (!strchr("SXZ", state_of(tid)))
        sleep_ms(1);
}

void await_ended(pid_t tid)
{
    while (syscall(SYS_tgkill, getpid(), tid, 0) == 0)
        sleep_ms(1);
}

pid_t own_tid(void)
{
    return (pid_t)syscall(SYS_gettid);
}

int count_tasks(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; tasks && (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    if (tasks)
        closedir(tasks);
    return count;
}

/* ---- the tests ---------------------------------------------------------------------------- */

#define STUCK_S 150

static void run_test(const struct test *test, char *program)
{
    print_line("-- %s\n", test->name);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(STUCK_S); /* exec keeps it */
        execv(program, (char *[]){program, "-1", (char *)test->name, NULL});
        _exit(9);
    }
    text_is("end", status_of_pid(pid), test->status);
}

static bool is_named(const struct test *test, char **names)
{
    for (; *names; names++)
        if (strcmp(*names, test->name) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    bool one = argc > 1 && strcmp(argv[1], "-1") == 0;
    for (const struct test *test = __start_tests; test < __stop_tests; test++) {
        if (argc > 1 && !is_named(test, argv + 1))
            continue;
        if (one) {
            test->run();
            return 0;
        }
        run_test(test, argv[0]);
    }
    return one ? 9 : 0;
}
