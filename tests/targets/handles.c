/*
 * A joinable thread whose handle is stored in the place that the argument names, or nowhere. The thread has
 * finished; with a second argument that begins with "alive" it waits for ever. With a third one, "end", the
 * program ends; else it stays.
 */
#include "target.h"

#include <alloca.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "asleep.h"

static bool is_alive, ends;
static pthread_t kept_in_data, *kept_in_heap, **kept_far;
static __thread pthread_t kept_by_thread;
static pthread_key_t key;

/* What a function leaves on the stack is no place of its own. */
static NOINLINE void clear_stack(void)
{
    volatile char *room = alloca(1 << 15);
    for (int i = 0; i < 1 << 15; i++)
        room[i] = 0;
}

static NOINLINE void start_in(pthread_t *handle)
{
    static pid_t tid;
    CHECK(pthread_create(handle, NULL, is_alive ? stay : finish, is_alive ? NULL : &tid) == 0);
    await_ready(1);
    if (!is_alive)
        await_gone(tid);
}

static NOINLINE void forgotten(void)
{
    pthread_t handle;
    start_in(&handle);
}

static NOINLINE void overwritten(void)
{
    start_in(&kept_in_data);
    kept_in_data = 0;
}

static NOINLINE void freed(void)
{
    pthread_t *handle = malloc(sizeof(*handle) * 4);
    start_in(&handle[3]);
    free(handle);
}

/* Nothing refers to the memory that has it. */
static NOINLINE void leaked(void)
{
    pthread_t *handle = malloc(sizeof(*handle) * 4);
    start_in(&handle[3]);
}

static NOINLINE void data(void)
{
    start_in(&kept_in_data);
}

static NOINLINE void tagged(void)
{
    start_in(&kept_in_data);
    kept_in_data |= UINT64_C(5) << 56 | 1;
}

static NOINLINE void heap(void)
{
    kept_in_heap = malloc(sizeof(*kept_in_heap) * 4);
    start_in(&kept_in_heap[3]);
}

static NOINLINE void far(void)
{
    kept_far = malloc(sizeof(*kept_far));
    *kept_far = malloc(sizeof(**kept_far));
    start_in(*kept_far);
}

static NOINLINE void mapping(void)
{
    kept_in_heap = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(kept_in_heap != MAP_FAILED);
    start_in(kept_in_heap);
}

static NOINLINE void shared(void)
{
    kept_in_heap = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(kept_in_heap != MAP_FAILED);
    start_in(kept_in_heap);
}

static NOINLINE void tls(void)
{
    start_in(&kept_by_thread);
}

static NOINLINE void specific(void)
{
    pthread_t handle;
    start_in(&handle);
    CHECK(pthread_key_create(&key, NULL) == 0 && pthread_setspecific(key, (void *)handle) == 0);
}

static NOINLINE void in_pipe(void)
{
    pthread_t handle;
    int ends_of[2];
    start_in(&handle);
    CHECK(pipe(ends_of) == 0 && write(ends_of[1], &handle, sizeof(handle)) == sizeof(handle));
}

static NOINLINE void in_epoll(void)
{
    pthread_t handle;
    int epoll = epoll_create1(0), ends_of[2];
    start_in(&handle);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = handle};
    CHECK(pipe(ends_of) == 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, ends_of[0], &event) == 0);
}

/* ---- it owns a lock ---- */

static FILE *locked;

static void *lock_and_stay(void *tid)
{
    flockfile(locked);
    flockfile(locked);
    return is_alive ? stay(NULL) : finish(tid);
}

static NOINLINE void start_with_lock(pthread_t *handle)
{
    static pid_t tid;
    CHECK(locked && pthread_create(handle, NULL, lock_and_stay, &tid) == 0);
    await_ready(1);
    if (!is_alive)
        await_gone(tid);
}

/* Its lock is a variable of libc. */
static NOINLINE void locks_stream(void)
{
    pthread_t handle;
    locked = stderr;
    start_with_lock(&handle);
}

static NOINLINE void locks_file(void)
{
    pthread_t handle;
    locked = fopen("/dev/null", "r");
    start_with_lock(&handle);
}

/* What the program stores counts, also if it looks like a lock. */
static NOINLINE void like_lock(void)
{
    static struct {
        int state, count;
        pthread_t owner;
    } worker = {1, 1, 0};
    start_in(&worker.owner);
}

/* ---- another thread keeps it ---- */

static void *stay_with_handle(void *arg)
{
    pthread_t volatile handle;
    start_in((pthread_t *)&handle);
    clear_stack();
    sem_post(arg);
    for (;;)
        pause();
    return (void *)handle;
}

static NOINLINE void other_frame(void)
{
    sem_t begun;
    sem_init(&begun, 0, 0);
    CHECK(pthread_detach(start(stay_with_handle, &begun)) == 0);
    await(&begun);
}

/* A thread that can never go on keeps it, too. */
static void *wait_with_handle(void *arg)
{
    pthread_t volatile handle;
    sem_t *never = calloc(1, sizeof(*never));
    start_in((pthread_t *)&handle);
    clear_stack();
    sem_post(arg);
    await(never);
    return (void *)handle;
}

static NOINLINE void stuck_frame(void)
{
    sem_t begun;
    sem_init(&begun, 0, 0);
    CHECK(pthread_detach(start(wait_with_handle, &begun)) == 0);
    await(&begun);
}

/* ---- the end ---- */

static NOINLINE void finish_program(void)
{
    clear_stack();
    puts("ready");
    fflush(stdout);
    if (ends)
        exit(0);
    for (;;)
        pause();
}

/* main keeps it in its own frame. */
static NOINLINE void frame(void)
{
    pthread_t volatile handle;
    start_in((pthread_t *)&handle);
    finish_program();
    CHECK(pthread_detach(handle) == 0);
}

static const struct {
    const char *name;
    void (*keep)(void);
} places[] = {{"forgotten", forgotten},
              {"overwritten", overwritten},
              {"freed", freed},
              {"leaked", leaked},
              {"locks_stream", locks_stream},
              {"locks_file", locks_file},
              {"like_lock", like_lock},
              {"data", data},
              {"tagged", tagged},
              {"heap", heap},
              {"far", far},
              {"mapping", mapping},
              {"shared", shared},
              {"tls", tls},
              {"specific", specific},
              {"pipe", in_pipe},
              {"epoll", in_epoll},
              {"other_frame", other_frame},
              {"stuck_frame", stuck_frame},
              {"frame", frame}};

int main(int argc, char **argv)
{
    CHECK(argc > 2);
    is_alive = strcmp(argv[2], "alive") == 0;
    ends = argc > 3 && strcmp(argv[3], "end") == 0;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
        if (strcmp(places[i].name, argv[1]) == 0)
            places[i].keep();
    finish_program();
    return 0;
}
