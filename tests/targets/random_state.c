/*
 * random_state SEED CELLS: a process in a random state of which is known which threads
 * are stuck for ever.  It consists of cells, each of up to five threads that wait for
 * each other.  A thread's name says what is true of it: "stuck", or "live" when a
 * thread that runs could still wake it.  Says "up" when all are asleep, and ends with
 * its standard input.
 */
#include "asleep.h"
#include "random_keep.h"

enum wait { FOR_CONDITION, FOR_SEMAPHORE, FOR_BARRIER, FOR_WRITE_LOCK, WAITS };

struct object {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_barrier_t barrier;
    pthread_rwlock_t rw_lock;
    sem_t semaphore;
};

/* What a thread does, which it alone refers to. */
struct worker {
    enum wait wait;
    struct object *object, *other;
    pthread_mutex_t *held;
    pthread_t joined;
    bool is_stuck;
};

static uint64_t state;

static unsigned choose(unsigned count)
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (unsigned)((state * 0x2545f4914f6cdd1dull) >> 33) % count;
}

/* ---- what threads wait for --------------------------------------------------------- */

static void *make_object(void *arg)
{
    (void)arg;
    static const size_t sizes[] = {sizeof(struct object), sizeof(struct object) + 1000, 200000};
    struct object *object = calloc(1, sizes[choose(3)]);
    CHECK(object);
    pthread_mutex_init(&object->lock, NULL);
    pthread_cond_init(&object->changed, NULL);
    pthread_barrier_init(&object->barrier, NULL, 3);
    pthread_rwlock_init(&object->rw_lock, NULL);
    sem_init(&object->semaphore, 0, 0);
    return object;
}

/* In the main arena, in that of a thread, or in a mapping of its own. */
static NOINLINE struct object *object_new(void)
{
    void *object;
    if (choose(2))
        return make_object(NULL);
    CHECK(pthread_join(start(make_object, NULL), &object) == 0);
    return object;
}

static void wait_for(struct object *object, enum wait wait)
{
    if (wait == FOR_CONDITION) {
        pthread_mutex_lock(&object->lock);
        for (;;)
            pthread_cond_wait(&object->changed, &object->lock);
    }
    if (wait == FOR_BARRIER)
        pthread_barrier_wait(&object->barrier);
    if (wait == FOR_WRITE_LOCK)
        pthread_rwlock_wrlock(&object->rw_lock);
    for (;;)
        await(&object->semaphore);
}

static void set_name(bool is_stuck)
{
    pthread_setname_np(pthread_self(), is_stuck ? "stuck" : "live");
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    set_name(worker->is_stuck);
    if (worker->held)
        pthread_mutex_lock(worker->held);
    sem_post(&ready);
    if (worker->wait == FOR_WRITE_LOCK)
        pthread_rwlock_rdlock(&worker->object->rw_lock); /* and its own read lock is in its way */
    wait_for(worker->object, worker->wait);
    return NULL;
}

static void *lock_it(void *arg)
{
    struct worker *worker = arg;
    set_name(worker->is_stuck);
    pthread_mutex_lock(worker->held);
    return NULL;
}

static void *join_it(void *arg)
{
    struct worker *worker = arg;
    set_name(worker->is_stuck);
    pthread_join(worker->joined, NULL);
    return NULL;
}

static NOINLINE struct worker *worker_new(struct object *object, bool is_stuck)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    CHECK(worker);
    *worker = (struct worker){.object = object, .is_stuck = is_stuck, .wait = choose(WAITS)};
    return worker;
}

static pthread_mutex_t *mutex_new(void)
{
    pthread_mutex_t *mutex = calloc(1, sizeof(*mutex));
    CHECK(mutex);
    pthread_mutex_init(mutex, NULL);
    return mutex;
}

/* ---- cells --------------------------------------------------------------------------- */

/* Threads that wait for the first one: for a mutex that it holds, or for its end. */
static NOINLINE void add_followers(pthread_t first, pthread_mutex_t *held, bool is_stuck)
{
    for (unsigned count = choose(3); count > 0; count--) {
        struct worker *follower = worker_new(NULL, is_stuck);
        follower->held = held;
        start(lock_it, follower);
    }
    if (choose(3) == 0) {
        struct worker *follower = worker_new(NULL, is_stuck);
        follower->joined = first;
        start(join_it, follower);
    }
}

/* True when nobody is left who could wake who waits for it. */
static NOINLINE bool keep_or_not(struct object *object)
{
    enum keeper where = choose(KEEPERS);
    unsigned random = choose(1u << 30);
    if (choose(4) == 0)
        return true;
    struct kept *place = keep(where, object, random);
    if (!can_be_dropped(where) || choose(2))
        return false;
    drop(where, place, random);
    return true;
}

/* One object, kept or dropped, and who waits for it. */
static NOINLINE void waiting_cell(void)
{
    struct object *object = object_new();
    struct worker *worker = worker_new(object, keep_or_not(object));
    const bool is_stuck = worker->is_stuck;
    pthread_mutex_t *held = worker->held = mutex_new();
    pthread_t first = start(work, worker);
    await_ready(1);
    add_followers(first, held, is_stuck);
}

/* A ring of objects: each thread waits for one, and refers to the next. */
static NOINLINE void ring_cell(void)
{
    enum { MOST = 4 };
    struct object *objects[MOST];
    unsigned count = 2 + choose(MOST - 1);
    for (unsigned i = 0; i < count; i++)
        objects[i] = object_new();
    const bool is_stuck = keep_or_not(objects[choose(count)]);
    for (unsigned i = 0; i < count; i++) {
        struct worker *worker = worker_new(objects[i], is_stuck);
        worker->other = objects[(i + 1) % count];
        start(work, worker);
        await_ready(1);
    }
    memset(objects, 0, sizeof(objects));
}

struct ring {
    pthread_barrier_t all_hold;
    unsigned count, next;
    pthread_mutex_t locks[4];
};

static void *lock_two(void *arg)
{
    struct ring *ring = arg;
    unsigned number = __atomic_fetch_add(&ring->next, 1, __ATOMIC_SEQ_CST);
    set_name(true);
    pthread_mutex_lock(&ring->locks[number]);
    pthread_barrier_wait(&ring->all_hold);
    pthread_mutex_lock(&ring->locks[(number + 1) % ring->count]);
    return NULL;
}

/* A cycle of mutexes, in memory that may be kept: that does not help. */
static NOINLINE void deadlock_cell(void)
{
    struct ring *ring = calloc(1, sizeof(*ring));
    CHECK(ring);
    ring->count = 2 + choose(3);
    pthread_barrier_init(&ring->all_hold, NULL, ring->count);
    for (unsigned i = 0; i < ring->count; i++)
        pthread_mutex_init(&ring->locks[i], NULL);
    if (choose(2))
        keep(IN_STATIC, ring, 0);
    for (unsigned i = ring->count; i > 0; i--)
        start(lock_two, ring);
}

static void *lock_and_end(void *mutex)
{
    pthread_mutex_lock(mutex);
    return NULL;
}

static void *lock_and_wait(void *mutex)
{
    set_name(false);
    pthread_mutex_lock(mutex);
    wait_for_time();
    return NULL;
}

/* The owner of a mutex has ended, or can still unlock it. */
static NOINLINE void owner_cell(void)
{
    pthread_mutex_t *mutex = mutex_new();
    const bool is_stuck = choose(2);
    if (is_stuck) {
        CHECK(pthread_join(start(lock_and_end, mutex), NULL) == 0);
    } else {
        start(lock_and_wait, mutex);
        await_ready(1);
    }
    struct worker *worker = worker_new(NULL, is_stuck);
    worker->held = mutex;
    start(lock_it, worker);
}

/* A thread that another thread's object leads to: kept by one that waits itself. */
static NOINLINE void led_cell(void)
{
    struct object *object = object_new(), *led = object_new();
    const bool is_stuck = keep_or_not(object);
    struct worker *first = worker_new(object, is_stuck), *second = worker_new(led, is_stuck);
    first->other = led;
    start(work, first);
    start(work, second);
    await_ready(2);
}

static void (*const cells[])(void) = {waiting_cell,  waiting_cell, waiting_cell, ring_cell,
                                      deadlock_cell, owner_cell,   led_cell};

int main(int argc, char **argv)
{
    sigset_t keeping;
    CHECK(argc == 3);
    state = strtoull(argv[1], NULL, 10) * 0x9e3779b97f4a7c15ull + 1;
    sigemptyset(&keeping);
    sigaddset(&keeping, KEEPING_SIGNAL);
    pthread_sigmask(SIG_BLOCK, &keeping, NULL);
    CHECK(pthread_key_create(&key, NULL) == 0);
    for (int i = atoi(argv[2]); i > 0; i--)
        cells[choose(sizeof(cells) / sizeof(*cells))]();
    await_asleep();
    puts("up");
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}
