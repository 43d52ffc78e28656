#include "snapshot.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include "snapshot_core.h"
#include "snapshot_memory.h"
#include "snapshot_regs.h"
#include "snapshot_stop.h"
#include "snapshot_why.h"
#include "tracer.h"

enum {
    KB = 1024,
    MB = 1024 * KB,
    STOP_MS = 200,
    COPIED_BYTES = 64 * MB,
    USUAL_COPY = 6 * KB,     /* most threads have no more than that on their stack */
    RED_ZONE = 128,          /* below sp, in use on x86_64 */
    PATIENCE_NS = 400000000, /* with the tracer, before looking after it */
    MOST_ROUNDS = 4,         /* of that with one PTRACE_SEIZE */
    TURN_MS = 3000,          /* for others of us that look at the process */
    MOST_TRIES = 20,         /* where whoever traces it will be gone soon */
    REST_MS = 10,
    OBJECT_BYTES = 64, /* on both sides of a futex: the mutex or condition variable it is in */
};

/* ptrace belongs to a thread, and its end lets go what could not be let go otherwise. */
struct job {
    struct snapshot *snapshot;
    const struct snapshot_options *options;
    const struct snapshot_want *wants; /* NULL: all threads */
    size_t want_count;
    struct stop stop;
    bool ok;
    int why; /* errno */
};

/* ---- while all stand still ---------------------------------------------------------- */

static enum snapshot_state state_of_tracee(const struct tracee *tracee)
{
    if (tracee->state == TRACEE_STUCK)
        return SNAPSHOT_UNSTOPPABLE;
    return status_number(tracee->tid, "TracerPid") > 0 ? SNAPSHOT_TRACED : SNAPSHOT_DENIED;
}

static void take_regs(const struct tracee *tracee, struct snapshot_thread *thread)
{
    *thread = (struct snapshot_thread){.tid = tracee->tid, .syscall_nr = -1};
    if (tracee->state != TRACEE_STOPPED)
        thread->state = state_of_tracee(tracee);
    else
        snapshot_read_regs(thread, !tracee->in_group_stop);
}

static bool may_wait_for_futex(const struct snapshot_thread *thread)
{
#ifdef SYS_restart_syscall
    if (thread->syscall_nr == SYS_restart_syscall)
        return true;
#endif
    return thread->syscall_nr == SYS_futex;
}

static void plan_stack(const struct snapshot *snapshot, struct snapshot_arena *arena,
                       struct snapshot_thread *thread, uint64_t most)
{
    const struct region *region = address_space_find(&snapshot->space, thread->sp);
    uint64_t below = region && thread->sp - region->start < RED_ZONE ? thread->sp - region->start : RED_ZONE;
    copy_plan(snapshot, arena, &thread->stack, thread->sp - below, most);
}

static void plan_object(const struct snapshot *snapshot, struct snapshot_arena *arena,
                        struct snapshot_thread *thread)
{
    uint64_t futex = thread->syscall_args[0];
    const struct region *region =
        may_wait_for_futex(thread) ? address_space_find(&snapshot->space, futex) : NULL;
    if (!region)
        return;
    uint64_t below = futex - region->start < OBJECT_BYTES ? futex - region->start : OBJECT_BYTES;
    copy_plan(snapshot, arena, &thread->object, futex - below, below + OBJECT_BYTES);
}

static void fill(const struct snapshot *snapshot, struct snapshot_thread *threads, size_t count)
{
    struct snapshot_copy **copies = malloc(3 * count * sizeof(struct snapshot_copy *));
    size_t planned = 0;
    for (size_t i = 0; i < count; i++) {
        struct snapshot_copy *all[] = {&threads[i].stack, &threads[i].interrupted, &threads[i].object};
        for (size_t j = 0; j < 3; j++) {
            if (!copies)
                all[j]->size = 0;
            else if (all[j]->size)
                copies[planned++] = all[j];
        }
    }
    if (copies)
        copy_fill(snapshot, copies, planned);
    free(copies);
}

static bool is_of_interest(const struct tracee *tracee)
{
    return tracee->state == TRACEE_STOPPED || tracee->state == TRACEE_STUCK ||
           tracee->state == TRACEE_REFUSED;
}

static void set_task(struct job *job)
{
    for (size_t i = 0; i < job->stop.count; i++) {
        const struct tracee *tracee = &job->stop.tracees[i];
        bool is_main = tracee->tid == job->snapshot->pid;
        if (tracee->state == TRACEE_STOPPED && (is_main || !job->snapshot->task))
            job->snapshot->task = tracee->tid;
    }
}

static bool copy_all(struct job *job, struct snapshot_arena *arena, uint64_t each)
{
    struct snapshot *snapshot = job->snapshot;
    snapshot->threads = calloc(job->stop.count + 1, sizeof(*snapshot->threads));
    if (!snapshot->threads || !address_space_read(&snapshot->space, snapshot->task))
        return false;
    snapshot->complete = job->stop.complete;
    for (size_t i = 0; i < job->stop.count; i++) {
        if (!is_of_interest(&job->stop.tracees[i]))
            continue;
        struct snapshot_thread *thread = &snapshot->threads[snapshot->count++];
        take_regs(&job->stop.tracees[i], thread);
        if (thread->state != SNAPSHOT_STOPPED) {
            snapshot->complete = false;
            continue;
        }
        plan_stack(snapshot, arena, thread, each);
        plan_object(snapshot, arena, thread);
    }
    fill(snapshot, snapshot->threads, snapshot->count);
    return true;
}

static void take_all(struct job *job)
{
    const struct snapshot_options *options = job->options;
    size_t total = options && options->copied_bytes ? options->copied_bytes : COPIED_BYTES;
    /* Before the first is seized: from then on a thread stops for any signal. */
    size_t count = stop_count_threads(job->stop.pid);
    uint64_t each = copy_share(total, count);
    size_t expected = count + count / 8 + 16;
    size_t room = expected * (each + 2 * OBJECT_BYTES);
    struct snapshot_arena *arena = arena_new(job->snapshot, room, expected * USUAL_COPY);
    if (!stop_list(&job->stop)) {
        job->why = errno;
        return;
    }
    stop_begin(&job->stop, true);
    set_task(job);
    if (!arena)
        job->why = ENOMEM;
    else if (job->snapshot->task) {
        job->ok = copy_all(job, arena, each);
        job->why = job->ok ? 0 : errno;
    }
    stop_end(&job->stop);
}

/* ---- deeper ---------------------------------------------------------------------------- */

static const struct tracee *find_tracee(const struct stop *stop, pid_t tid)
{
    size_t low = 0, high = stop->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stop->tracees[middle].tid == tid)
            return &stop->tracees[middle];
        if (stop->tracees[middle].tid < tid)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void plan_interrupted(const struct snapshot *snapshot, struct snapshot_arena *arena,
                             struct snapshot_thread *thread, uint64_t address, uint64_t most)
{
    const struct snapshot_copy *stack = &thread->stack;
    const struct region *region = address_space_find(&snapshot->space, address);
    if (!region || (address >= stack->start && address - stack->start < stack->size))
        return;
    uint64_t below = address - region->start < RED_ZONE ? address - region->start : RED_ZONE;
    copy_plan(snapshot, arena, &thread->interrupted, address - below, most);
}

static void retake(const struct job *job, struct snapshot_arena *arena, const struct snapshot_want *want,
                   uint64_t each)
{
    struct snapshot_thread *thread = &job->snapshot->threads[want->thread], again;
    const struct tracee *tracee = find_tracee(&job->stop, thread->tid);
    if (!tracee || tracee->state != TRACEE_STOPPED)
        return;
    take_regs(tracee, &again);
    if (again.state != SNAPSHOT_STOPPED)
        return;
    plan_stack(job->snapshot, arena, &again, each);
    plan_interrupted(job->snapshot, arena, &again, want->address, each);
    plan_object(job->snapshot, arena, &again);
    fill(job->snapshot, &again, 1);
    /* It may be on a stack by now that is not among the mappings of the first stop. */
    if (again.stack.size || !thread->stack.size)
        *thread = again;
}

static void take_again(struct job *job)
{
    size_t objects = job->want_count * 2 * OBJECT_BYTES, expected, room;
    uint64_t each = copy_share_wanted(job->snapshot, job->wants, job->want_count, &expected, &room);
    for (size_t i = 0; i < job->want_count; i++)
        if (!stop_add(&job->stop, job->snapshot->threads[job->wants[i].thread].tid))
            return;
    struct snapshot_arena *arena = arena_new(job->snapshot, room + objects, expected + objects);
    if (!arena)
        return;
    stop_seize(&job->stop);
    stop_begin(&job->stop, false);
    for (size_t i = 0; i < job->want_count; i++)
        retake(job, arena, &job->wants[i], each);
    stop_end(&job->stop);
}

/* ---- the tracing thread ------------------------------------------------------------------ */

/* The frames that a cancelled thread leaves without a return stay marked as in use. */
static void forget_frames(void *arg)
{
    (void)arg;
#if defined(__SANITIZE_ADDRESS__)
    enum { MOST_BYTES = 256 * KB };
    __asan_unpoison_memory_region((char *)__builtin_frame_address(0) - MOST_BYTES, MOST_BYTES);
#endif
}

static void *trace(void *arg)
{
    struct job *job = arg;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_cleanup_push(forget_frames, NULL);
    if (job->wants)
        take_again(job);
    else
        take_all(job);
    pthread_cleanup_pop(0);
    return NULL;
}

/* 0, or ETIMEDOUT: it had to be given up, and its end has let all go. */
static int join(pthread_t tracer, struct stop *stop)
{
    struct timespec until;
    unsigned before = 0, rounds = 0;
    int why = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    for (;;) {
        until.tv_nsec += PATIENCE_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        if (pthread_clockjoin_np(tracer, NULL, CLOCK_MONOTONIC, &until) != ETIMEDOUT)
            return why;
        stop_bury(stop->pid);
        unsigned now = atomic_load(&stop->seizing);
        rounds = now % 2 && now == before ? rounds + 1 : 0;
        before = now;
        if (rounds == MOST_ROUNDS && pthread_cancel(tracer) == 0)
            why = ETIMEDOUT;
    }
}

/* 0 or the errno of starting it. */
static int run(struct job *job)
{
    pthread_t tracer;
    sigset_t all, before;
    unsigned ms = job->options && job->options->stop_ms ? job->options->stop_ms : STOP_MS;
    job->stop.pid = job->snapshot->pid;
    job->stop.wait_ns = (uint64_t)ms * 1000000u;
    int turn = tracer_take_turn(job->stop.pid, TURN_MS);
    sigfillset(&all);
    /* No handler of the program's runs in the tracer, whose stop would last longer. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int why = pthread_create(&tracer, NULL, trace, job);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (why == 0)
        why = join(tracer, &job->stop);
    if (turn >= 0)
        close(turn);
    return why ? why : job->why;
}

/* again: another attempt may bring more. */
static enum snapshot_status take_once(pid_t pid, const struct snapshot_options *options,
                                      struct snapshot **snapshot, bool *again, struct error *error)
{
    struct job job = {.snapshot = calloc(1, sizeof(struct snapshot)), .options = options};
    enum snapshot_status status = SNAPSHOT_OK;
    *snapshot = NULL;
    if (pid == getpid()) {
        free(job.snapshot);
        error_set(error, "process %d is this program itself", (int)pid);
        return SNAPSHOT_REFUSED;
    }
    if (job.snapshot) {
        job.snapshot->pid = pid;
        job.snapshot->read = read_process;
        job.why = run(&job);
    }
    if (!job.snapshot) {
        error_set(error, "process %d cannot be looked at: out of memory", (int)pid);
        return SNAPSHOT_FAILED;
    }
    /* A single thread may be refused for good: the others are not stopped over and over. */
    *again = snapshot_is_passing(&job.stop) && (!job.ok || snapshot_tracer(&job.stop) > 0);
    if (job.ok) {
        job.snapshot->stopped_ns = job.stop.stopped_ns;
        for (size_t i = 0; i < job.snapshot->count; i++)
            snapshot_resolve_restarted(job.snapshot, &job.snapshot->threads[i]);
        *snapshot = job.snapshot;
    } else {
        status = snapshot_explain(&job.stop, job.why, error);
        snapshot_free(job.snapshot);
    }
    stop_release(&job.stop);
    return status;
}

enum snapshot_status snapshot_take(pid_t pid, const struct snapshot_options *options,
                                   struct snapshot **snapshot, struct error *error)
{
    for (unsigned tries = 1;; tries++) {
        bool again = false;
        enum snapshot_status status = take_once(pid, options, snapshot, &again, error);
        if (!again || tries == MOST_TRIES)
            return status;
        snapshot_free(*snapshot);
        nanosleep(&(struct timespec){0, REST_MS * 1000000}, NULL);
    }
}

void snapshot_deepen(struct snapshot *snapshot, const struct snapshot_want *wants, size_t count)
{
    struct job job = {.snapshot = snapshot, .wants = wants, .want_count = count};
    if (!count || snapshot->read != read_process)
        return;
    run(&job);
    snapshot->stopped_ns += job.stop.stopped_ns;
    for (size_t i = 0; i < count; i++)
        snapshot_resolve_restarted(snapshot, &snapshot->threads[wants[i].thread]);
    stop_release(&job.stop);
}

void snapshot_free(struct snapshot *snapshot)
{
    if (!snapshot)
        return;
    arena_free_all(snapshot);
    snapshot_core_free(snapshot->core);
    address_space_release(&snapshot->space);
    free(snapshot->threads);
    free(snapshot);
}

const char *snapshot_state_text(enum snapshot_state state)
{
    switch (state) {
    case SNAPSHOT_STOPPED:
        return NULL;
    case SNAPSHOT_UNSTOPPABLE:
        return "does not stop: in an uninterruptible wait, such as vfork's";
    case SNAPSHOT_TRACED:
        return "is traced by another process";
    case SNAPSHOT_DENIED:
        return "may not be traced";
    case SNAPSHOT_FOREIGN:
        return "is of another architecture";
    }
    return NULL;
}
