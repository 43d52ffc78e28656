#include "self_capture.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "address_space.h"
#include "self_capture_task.h"
#include "tracer.h"

/* A signal's frame with the widest registers is below 4 KiB. */
#define HANDLER_ROOM 8192

#define LIST_PASSES 20

/* For the time between: asked, no answer yet. */
#define ASKED SELF_CAPTURE_SILENT
/* It blocks the signal but is not at rest: within a handler perhaps, or creating
 * a thread.  It is looked at again, for a quarter of the time. */
#define BLOCKED_NOW (SELF_CAPTURE_SILENT + 1)

struct asking {
    pid_t pid;
    struct self_capture *capture;
    uint32_t generation;
    uint64_t deadline_ns, again_ns;
    struct tracked *tracked; /* by ascending tid */
    size_t tracked_count;
    struct address_space space; /* as the asking began; may be empty */
};

struct tracked {
    int32_t tid;
    bool small_stack;
    uint64_t handle; /* pthread_t, at the upper end of its stack; 0: the main thread's */
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static void rest_ms(unsigned ms)
{
    struct timespec rest = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&rest, NULL);
}

/* ---- the tasks, and which the shim knows ----------------------------------------- */

static int compare_threads(const void *a, const void *b)
{
    const struct self_capture_thread *first = a, *second = b;
    return (first->tid > second->tid) - (first->tid < second->tid);
}

static bool add_thread(struct self_capture *capture, size_t *room, pid_t tid)
{
    if (capture->count == *room) {
        *room = *room ? *room * 2 : 64;
        void *more = realloc(capture->threads, *room * sizeof(*capture->threads));
        if (!more)
            return false;
        capture->threads = more;
    }
    capture->threads[capture->count++] = (struct self_capture_thread){.tid = tid, .own_tid = tid};
    return true;
}

/* The first `sorted` are without doubles already; true when that changed nothing. */
static bool sort_threads(struct self_capture *capture, size_t sorted)
{
    size_t kept = 0;
    if (capture->count)
        qsort(capture->threads, capture->count, sizeof(*capture->threads), compare_threads);
    for (size_t i = 0; i < capture->count; i++)
        if (kept == 0 || capture->threads[kept - 1].tid != capture->threads[i].tid)
            capture->threads[kept++] = capture->threads[i];
    capture->count = kept;
    return kept == sorted;
}

/* While threads end, a listing may leave out others: it is repeated until one
 * brings nothing new. */
static bool list_tasks(pid_t pid, struct self_capture *capture)
{
    char path[32];
    size_t room = 0, before;
    bool complete = true;
    const struct dirent *entry;
    int passes = 0;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    do {
        before = capture->count;
        DIR *directory = opendir(path);
        if (!directory)
            return before > 0;
        while (complete && (entry = readdir(directory))) {
            pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
            complete = tid <= 0 || add_thread(capture, &room, tid);
        }
        closedir(directory);
    } while (complete && !sort_threads(capture, before) && ++passes < LIST_PASSES);
    return complete;
}

static int compare_tracked(const void *a, const void *b)
{
    const struct tracked *first = a, *second = b;
    return (first->tid > second->tid) - (first->tid < second->tid);
}

static bool list_tracked(struct asking *asking)
{
    const struct ledger *ledger = asking->capture->ledger;
    uint32_t slots = ledger_slot_count(ledger);
    struct ledger_slot slot;

    free(asking->tracked);
    asking->tracked_count = 0;
    asking->tracked = calloc((size_t)slots + 1, sizeof(*asking->tracked));
    if (!asking->tracked)
        return false;
    asking->tracked[asking->tracked_count++] = (struct tracked){ledger_get_header(ledger)->pid, false, 0};
    for (uint32_t i = 0; i < slots; i++)
        if (ledger_get_slot(ledger, i, &slot) && (slot.state & SLOT_STARTED) && !(slot.state & SLOT_ENDED) &&
            slot.tid > 0)
            asking->tracked[asking->tracked_count++] =
                (struct tracked){slot.tid, (slot.state & SLOT_SMALL_STACK) != 0, slot.handle};
    qsort(asking->tracked, asking->tracked_count, sizeof(*asking->tracked), compare_tracked);
    return true;
}

/* What the ledger knows and a listing left out, where both count in one pid namespace. */
static bool add_tracked(const struct asking *asking)
{
    struct self_capture *capture = asking->capture;
    size_t room = capture->count;
    if (ledger_get_header(capture->ledger)->pid != asking->pid)
        return true;
    for (size_t i = 0; i < asking->tracked_count; i++)
        if (!add_thread(capture, &room, asking->tracked[i].tid))
            return false;
    sort_threads(capture, 0);
    return true;
}

/* ---- asking one thread ------------------------------------------------------------- */

static int send_request(const struct asking *asking, pid_t tid)
{
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = (void *)((uint64_t)LEDGER_PRESENT_REQUEST << 32 | asking->generation);
    while (syscall(SYS_rt_tgsigqueueinfo, asking->pid, tid, asking->capture->signal, &info) != 0) {
        /* EAGAIN: RLIMIT_SIGPENDING, of all processes of its user. */
        if (errno != EAGAIN || now_ns() >= asking->deadline_ns)
            return errno;
        rest_ms(1);
    }
    return 0;
}

static const struct tracked *find_tracked(const struct asking *asking, pid_t own_tid)
{
    struct tracked key = {.tid = own_tid};
    return bsearch(&key, asking->tracked, asking->tracked_count, sizeof(*asking->tracked), compare_tracked);
}

/* Where is its stack pointer?  SELF_CAPTURE_TAKEN: there is room, as far as is known. */
static enum self_capture_reason look_at_stack(const struct asking *asking,
                                              const struct self_capture_thread *thread,
                                              const struct tracked *tracked)
{
    uint64_t sp = task_stack_pointer(asking->pid, thread->tid);
    const struct region *region = sp ? address_space_find(&asking->space, sp) : NULL;
    if (tracked->small_stack && (!region || sp - region->start < HANDLER_ROOM))
        return SELF_CAPTURE_SMALL_STACK;
    if (!region)
        return SELF_CAPTURE_TAKEN;
    bool is_own = tracked->handle ? tracked->handle > sp && tracked->handle <= region->end
                                  : strcmp(region->path, "[stack]") == 0;
    return is_own ? SELF_CAPTURE_TAKEN : SELF_CAPTURE_OTHER_STACK;
}

/* SELF_CAPTURE_TAKEN: nothing speaks against it. */
static enum self_capture_reason look_before(const struct asking *asking, struct self_capture_thread *thread,
                                            bool *gone)
{
    struct task_look look;
    uint64_t bit = 1ull << (asking->capture->signal - 1);
    bool waits = false;

    *gone = !task_look(asking->pid, thread->tid, &look);
    if (*gone)
        return SELF_CAPTURE_SILENT;
    thread->own_tid = look.own_tid;
    const struct tracked *tracked = find_tracked(asking, look.own_tid);
    if (!tracked)
        return SELF_CAPTURE_FOREIGN;
    if (!(look.caught & bit))
        return SELF_CAPTURE_LOST;
    if (look.seccomp != ledger_get_header(asking->capture->ledger)->seccomp)
        return SELF_CAPTURE_SANDBOXED;
    if (look.tracer > 0 && !tracer_is_ours(look.tracer))
        return SELF_CAPTURE_TRACED;
    if (look.state == 'T' || look.state == 't')
        return SELF_CAPTURE_STOPPED;
    if (look.blocked & bit)
        return look.state == 'R' || look.state == 'D' ? (enum self_capture_reason)BLOCKED_NOW
                                                      : SELF_CAPTURE_BLOCKED;
    enum self_capture_reason stack = look_at_stack(asking, thread, tracked);
    if (stack != SELF_CAPTURE_TAKEN)
        return stack;
    waits = task_may_wait_for_signals(asking->pid, thread->tid, look.state);
    return waits ? SELF_CAPTURE_WAITING : SELF_CAPTURE_TAKEN;
}

/* ESRCH: it is gone.  EPERM, ENOSYS: the whole request is in vain. */
static int ask(const struct asking *asking, struct self_capture_thread *thread)
{
    bool gone;
    thread->reason = look_before(asking, thread, &gone);
    if (gone)
        return ESRCH;
    if (thread->reason != SELF_CAPTURE_TAKEN)
        return 0;
    thread->reason = ASKED;
    return send_request(asking, thread->tid);
}

/* Of all threads, or of those that blocked the signal.  0, or the error. */
static int ask_all(const struct asking *asking, bool again)
{
    struct self_capture *capture = asking->capture;
    size_t kept = 0;

    for (size_t i = 0; i < capture->count; i++) {
        struct self_capture_thread thread = capture->threads[i];
        int why = again && thread.reason != BLOCKED_NOW ? 0 : ask(asking, &thread);
        if (why == EPERM || why == ENOSYS)
            return why;
        if (why != ESRCH)
            capture->threads[kept++] = thread;
    }
    capture->count = kept;
    return 0;
}

/* ---- the answers ------------------------------------------------------------------- */

struct answer {
    int32_t tid;
    const struct ledger_present *present;
};

static int compare_answers(const void *a, const void *b)
{
    const struct answer *first = a, *second = b;
    return (first->tid > second->tid) - (first->tid < second->tid);
}

static struct answer *list_answers(const struct asking *asking, size_t *count)
{
    const struct ledger *ledger = asking->capture->ledger;
    const struct ledger_present *present;
    struct answer *answers = NULL;
    uint32_t at = 0;
    size_t room = 0;

    *count = 0;
    while ((present = ledger_next_present(ledger, &at))) {
        /* A younger one is of somebody else's request since: as good. */
        if ((int32_t)((uint32_t)(present->stamp >> 32) - asking->generation) < 0)
            continue;
        if (*count == room) {
            room = room ? room * 2 : 64;
            void *more = realloc(answers, room * sizeof(*answers));
            if (!more)
                break;
            answers = more;
        }
        answers[(*count)++] = (struct answer){(int32_t)(uint32_t)present->stamp, present};
    }
    if (*count)
        qsort(answers, *count, sizeof(*answers), compare_answers);
    return answers;
}

/* How many are still to come. */
static size_t match_answers(const struct asking *asking)
{
    struct self_capture *capture = asking->capture;
    size_t count, pending = 0;
    uint64_t now = now_ns();
    struct answer *answers = list_answers(asking, &count);

    capture->taken = 0;
    for (size_t i = 0; i < capture->count; i++) {
        struct self_capture_thread *thread = &capture->threads[i];
        pending += thread->reason == BLOCKED_NOW && now < asking->again_ns;
        if (thread->reason != ASKED && thread->reason != SELF_CAPTURE_TAKEN)
            continue;
        struct answer key = {thread->own_tid, NULL};
        const struct answer *found =
            count ? bsearch(&key, answers, count, sizeof(*answers), compare_answers) : NULL;
        thread->present = found ? found->present : NULL;
        thread->reason = found ? SELF_CAPTURE_TAKEN : ASKED;
        capture->taken += found != NULL;
        pending += !found;
    }
    free(answers);
    return pending;
}

static bool reopen(const struct asking *asking)
{
    struct ledger *newer;
    struct error ignored;
    if (ledger_open_process(asking->pid, &newer, &ignored) != LEDGER_OPEN_OK)
        return false;
    ledger_close(asking->capture->ledger);
    asking->capture->ledger = newer;
    return true;
}

static void wait_for_answers(const struct asking *asking)
{
    unsigned pause = 1;
    bool last = false;
    while (match_answers(asking) > 0 && !last) {
        last = now_ns() >= asking->deadline_ns;
        rest_ms(pause);
        if (now_ns() < asking->again_ns)
            ask_all(asking, true);
        last |= !reopen(asking); /* ended: what is in the copy is what there is */
        pause = pause < 32 ? pause * 2 : pause;
    }
}

/* Those that did not answer: gone, blocking the signal by now, or why not; those
 * that were not known: begun since, perhaps. */
static void explain_silence(struct asking *asking)
{
    struct self_capture *capture = asking->capture;
    const struct ledger_header *header = ledger_get_header(capture->ledger);
    uint64_t bit = 1ull << (capture->signal - 1);
    bool full = header->present_cap - (uint32_t)header->present_mark < 128;
    size_t kept = 0;

    bool listed = list_tracked(asking);
    for (size_t i = 0; i < capture->count; i++) {
        struct self_capture_thread thread = capture->threads[i];
        struct task_look look;
        if (thread.reason != SELF_CAPTURE_TAKEN && !task_look(asking->pid, thread.tid, &look))
            continue;
        if (thread.reason == BLOCKED_NOW)
            thread.reason = SELF_CAPTURE_BLOCKED;
        if (thread.reason == SELF_CAPTURE_FOREIGN && listed && find_tracked(asking, thread.own_tid))
            thread.reason = SELF_CAPTURE_NEW;
        if (thread.reason == ASKED) {
            if (look.state == 'T' || look.state == 't')
                thread.reason = SELF_CAPTURE_STOPPED;
            else if (look.blocked & bit)
                thread.reason = SELF_CAPTURE_BLOCKED;
            else if (full)
                thread.reason = SELF_CAPTURE_FULL;
        }
        capture->threads[kept++] = thread;
    }
    capture->count = kept;
}

/* ---- the whole ----------------------------------------------------------------------- */

static bool is_permitted(pid_t pid, const struct self_capture *capture, struct error *error)
{
    const struct ledger_header *header = ledger_get_header(capture->ledger);
    if (header->flags & LEDGER_SANDBOXED)
        error_set(error, "process %d is in a sandbox of its own: its threads are not sent signals", (int)pid);
    else if (header->present_signal == 0)
        error_set(error, "process %d leaves threadleak no real-time signal to ask its threads by", (int)pid);
    else if ((int)header->present_signal < SIGRTMIN || (int)header->present_signal > SIGRTMAX)
        error_set(error, "the ledger of process %d is damaged: %u is no real-time signal", (int)pid,
                  header->present_signal);
    else
        return true;
    return false;
}

static enum self_capture_status take(struct asking *asking, struct error *error)
{
    struct self_capture *capture = asking->capture;
    pid_t pid = asking->pid;

    if (!list_tasks(pid, capture)) {
        error_set(error, "process %d: cannot list its threads: %s", (int)pid, strerror(errno));
        return SELF_CAPTURE_FAILED;
    }
    /* After the tasks: what it knows of them is younger. */
    enum ledger_open_status opened = ledger_open_process(pid, &capture->ledger, error);
    if (opened != LEDGER_OPEN_OK)
        return opened == LEDGER_OPEN_NOT_WATCHED ? SELF_CAPTURE_OFF : SELF_CAPTURE_FAILED;
    if (!is_permitted(pid, capture, error))
        return SELF_CAPTURE_OFF;
    const struct ledger_header *header = ledger_get_header(capture->ledger);
    capture->signal = (int)header->present_signal;
    asking->generation = (uint32_t)(header->present_mark >> 32) + 1;
    if (!list_tracked(asking) || !add_tracked(asking)) {
        error_set(error, "process %d: out of memory", (int)pid);
        return SELF_CAPTURE_FAILED;
    }
    address_space_read(&asking->space, pid);
    int why = ask_all(asking, false);
    if (why) {
        error_set(error, "process %d cannot be sent a signal: %s", (int)pid, strerror(why));
        return SELF_CAPTURE_FAILED;
    }
    wait_for_answers(asking);
    explain_silence(asking);
    return SELF_CAPTURE_OK;
}

enum self_capture_status self_capture_take(pid_t pid, unsigned wait_ms, struct self_capture **capture,
                                           struct error *error)
{
    uint64_t wait_ns = (wait_ms ? wait_ms : 1000) * 1000000ull, now = now_ns();
    struct asking asking = {.pid = pid, .deadline_ns = now + wait_ns, .again_ns = now + wait_ns / 4};
    enum self_capture_status status = SELF_CAPTURE_FAILED;

    *capture = NULL;
    asking.capture = calloc(1, sizeof(*asking.capture));
    if (!asking.capture) {
        error_set(error, "process %d: out of memory", (int)pid);
        return status;
    }
    status = take(&asking, error);
    free(asking.tracked);
    address_space_release(&asking.space);
    if (status == SELF_CAPTURE_OK)
        *capture = asking.capture;
    else
        self_capture_free(asking.capture);
    return status;
}

void self_capture_free(struct self_capture *capture)
{
    if (!capture)
        return;
    ledger_close(capture->ledger);
    free(capture->threads);
    free(capture);
}

const char *self_capture_reason_text(const struct self_capture *capture, enum self_capture_reason reason,
                                     char text[64])
{
    static const char *const texts[] = {
        [SELF_CAPTURE_TAKEN] = "",
        [SELF_CAPTURE_BLOCKED] = "blocks signal %d",
        [SELF_CAPTURE_WAITING] = "waits for signals, or may do",
        [SELF_CAPTURE_SMALL_STACK] = "has no room on its stack for a signal",
        [SELF_CAPTURE_OTHER_STACK] = "is on a stack of its own making",
        [SELF_CAPTURE_TRACED] = "is traced by another process",
        [SELF_CAPTURE_STOPPED] = "is stopped",
        [SELF_CAPTURE_FOREIGN] = "is not known to threadleak",
        [SELF_CAPTURE_NEW] = "began meanwhile",
        [SELF_CAPTURE_LOST] = "has no handler of threadleak's any more",
        [SELF_CAPTURE_SANDBOXED] = "is in a sandbox",
        [SELF_CAPTURE_FULL] = "found no room in the ledger",
        [SELF_CAPTURE_SILENT] = "did not answer in time",
    };
    if (reason == SELF_CAPTURE_BLOCKED)
        snprintf(text, 64, "blocks signal %d", capture->signal);
    else
        snprintf(text, 64, "%s", texts[reason]);
    return text;
}
