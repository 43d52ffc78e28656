/* The programs that bench.py measures. Each call prints its numbers in one line.
 *
 *   bench pairs DEPTH CREATORS OTHERS PAIRS   ns for each create + join, then ns of CPU time
 *   bench nothing                             no thread at all
 *   bench joined THREADS                      creates so many threads, joins them, and exits
 *   bench resident THREADS                    the same, then KiB resident
 *   bench memory THREADS                      KiB resident for each live thread; bytes of
 *                                             ledger touched for each
 *   bench notify CALLS                        ns for each pthread_cond_signal or sem_post
 *   bench flat PAIRS                          KiB resident after the first 10,000
 *                                             pairs, and after the last
 *
 * With BENCH_WAIT in the environment, pairs prints "ready" and reads a line before it begins.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SMALL_STACK (64 * 1024)

static void die(const char *what)
{
    perror(what);
    _exit(1);
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* ---- other threads, asleep ------------------------------------------------- */

static sem_t never;

static void *sleep_for_ever(void *arg)
{
    while (sem_wait(&never) != 0)
        ;
    return arg;
}

static void start_others(long count)
{
    pthread_attr_t attr;
    pthread_t thread;

    sem_init(&never, 0, 0);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, SMALL_STACK);
    for (long i = 0; i < count; i++) {
        int error = pthread_create(&thread, &attr, sleep_for_ever, NULL);
        if (error) {
            errno = error;
            die("pthread_create");
        }
    }
}

/* ---- create + join ------------------------------------------------------------- */

static void *nothing(void *arg)
{
    return arg;
}

static int failed;

static void create_and_join(long pairs)
{
    for (long i = 0; i < pairs; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
            failed = 1;
    }
}

/* Valgrind has no memory below the lowest address that the main thread has used. The shim takes no backtrace
 * there. */
static __attribute__((noinline)) void use_stack(void)
{
    char space[64 * 1024];
    memset(space, 0, sizeof(space));
    __asm__ volatile("" : : "r"(space) : "memory");
}

/* The asm prevents tail recursion. */
static __attribute__((noinline)) void at_depth(int depth, long pairs)
{
    if (depth > 0)
        at_depth(depth - 1, pairs);
    else
        create_and_join(pairs);
    __asm__ volatile("");
}

static struct {
    int depth;
    long pairs;
    pthread_barrier_t start;
} job;

static void *creator(void *arg)
{
    pthread_barrier_wait(&job.start);
    at_depth(job.depth, job.pairs);
    return arg;
}

static void await_line(void)
{
    char line[16];
    if (!getenv("BENCH_WAIT"))
        return;
    puts("ready");
    fflush(stdout);
    if (!fgets(line, sizeof(line), stdin))
        die("no line");
}

struct cost {
    uint64_t wall, cpu;
};

static struct cost cost_now(void)
{
    return (struct cost){now_ns(), clock_ns(CLOCK_PROCESS_CPUTIME_ID)};
}

static void print_cost(struct cost begin, long pairs)
{
    struct cost end = cost_now();
    printf("%.1f %.1f\n", (double)(end.wall - begin.wall) / (double)pairs,
           (double)(end.cpu - begin.cpu) / (double)pairs);
}

static void run_creators(int creators)
{
    pthread_t threads[64];
    pthread_barrier_init(&job.start, NULL, (unsigned)creators + 1);
    for (int i = 0; i < creators; i++)
        if (pthread_create(&threads[i], NULL, creator, NULL) != 0)
            die("pthread_create");
    pthread_barrier_wait(&job.start);
    struct cost begin = cost_now();
    for (int i = 0; i < creators; i++)
        pthread_join(threads[i], NULL);
    print_cost(begin, job.pairs * creators);
}

static void measure_pairs(int depth, int creators, long pairs)
{
    /* Five frames exist at depth 0: main, at_depth, create_and_join, and two of libc. */
    job.depth = depth > 3 ? depth - 3 : 0;
    job.pairs = pairs / creators;
    use_stack();
    at_depth(job.depth, 500);
    await_line();
    if (creators > 1) {
        run_creators(creators);
        return;
    }
    struct cost begin = cost_now();
    at_depth(job.depth, pairs);
    print_cost(begin, pairs);
}

/* ---- start + exit ---------------------------------------------------------------- */

static int create_and_join_all(long count)
{
    pthread_t threads[64];
    for (long i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, nothing, NULL) != 0)
            die("pthread_create");
    for (long i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return 0;
}

/* ---- notifications --------------------------------------------------------------- */

static double measure_notify(long calls)
{
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
    sem_t semaphore;
    sem_init(&semaphore, 0, 0);
    uint64_t begin = now_ns();
    for (long i = 0; i < calls; i++) {
        pthread_cond_signal(&cond);
        sem_post(&semaphore);
    }
    return (double)(now_ns() - begin) / (double)calls / 2;
}

/* ---- memory --------------------------------------------------------------------- */

static long resident_kib(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1)
        die("/proc/self/statm");
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static bool is_ledger(const char *line)
{
    return strstr(line, "threadleak (deleted)") || strstr(line, "/ledger.");
}

static bool is_any(const char *line)
{
    return line != NULL;
}

/* Resident KiB of these mappings. The kernel counts them exactly, unlike those of statm. */
static long mapped_kib(bool (*counts)(const char *))
{
    char line[512];
    long total = 0, kib;
    bool inside = false;
    FILE *file = fopen("/proc/self/smaps", "r");
    if (!file)
        die("/proc/self/smaps");
    while (fgets(line, sizeof(line), file)) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = counts(line);
        else if (inside && sscanf(line, "Rss: %ld kB", &kib) == 1)
            total += kib;
    }
    fclose(file);
    return total;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    long numbers[4] = {0};
    for (int i = 0; i < 4 && i + 2 < argc; i++)
        numbers[i] = atol(argv[i + 2]);

    if (strcmp(what, "nothing") == 0)
        return 0;
    if (strcmp(what, "joined") == 0 && argc == 3 && numbers[0] <= 64)
        return create_and_join_all(numbers[0]);
    if (strcmp(what, "pairs") == 0 && argc == 6 && numbers[1] > 0 && numbers[1] <= 64) {
        start_others(numbers[2]);
        measure_pairs((int)numbers[0], (int)numbers[1], numbers[3]);
    } else if (strcmp(what, "resident") == 0 && argc == 3 && numbers[0] <= 64) {
        create_and_join_all(numbers[0]);
        printf("%ld\n", mapped_kib(is_any));
    } else if (strcmp(what, "memory") == 0 && argc == 3) {
        start_others(1);
        long before = resident_kib(), ledger = mapped_kib(is_ledger);
        start_others(numbers[0]);
        printf("%.2f %.1f\n", (double)(resident_kib() - before) / (double)numbers[0],
               (double)(mapped_kib(is_ledger) - ledger) * 1024 / (double)numbers[0]);
    } else if (strcmp(what, "notify") == 0 && argc == 3) {
        measure_notify(1000);
        printf("%.2f\n", measure_notify(numbers[0]));
    } else if (strcmp(what, "flat") == 0 && argc == 3) {
        create_and_join(10000);
        long before = resident_kib();
        create_and_join(numbers[0] - 10000);
        printf("%ld %ld\n", before, resident_kib());
    } else {
        fprintf(stderr, "bench: see the head of bench.c\n");
        return 2;
    }
    fflush(stdout);
    _exit(failed); /* no report of the threads that sleep */
}
