#include "stacks/signal_capture_ask.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "proc/file.h"
#include "proc/status.h"
#include "proc/tasks.h"
#include "proc/tracer.h"

/* A signal's frame with the widest registers is below 4 KiB. */
#define HANDLER_STACK 8192

/* ---- checking one thread ----------------------------------------------------------- */

/* These return after any signal that is handled. */
static bool waits_for_signals(long call)
{
#ifdef SYS_pause
    if (call == SYS_pause)
        return true;
#endif
    return call == SYS_rt_sigtimedwait || call == SYS_rt_sigsuspend;
}

/* True also where that is unknown.  In rt_sigtimedwait(2) the kernel shows the awaited signals as not
 * blocked. */
static bool task_may_wait_for_signals(pid_t pid, pid_t tid, char state)
{
    char text[256];
    if (state == 'R')
        return false;
    if (proc_read(PROC_PATH("%d/task/%d/syscall", pid, tid), text, sizeof(text)) > 0)
        return *text != 'r' && *text != '-' && waits_for_signals(strtol(text, NULL, 10));
    /* Yama hides that file, but not wchan. */
    if (proc_read(PROC_PATH("%d/task/%d/wchan", pid, tid), text, sizeof(text)) <= 0 || strcmp(text, "0") == 0)
        return true;
    return strstr(text, "sigtimedwait") || strstr(text, "sys_pause") || strstr(text, "sigsuspend");
}

/* Stack pointer of a thread that is blocked in a call; 0: unknown. */
static uint64_t task_stack_pointer(pid_t pid, pid_t tid)
{
    char text[256];
    if (proc_read(PROC_PATH("%d/task/%d/syscall", pid, tid), text, sizeof(text)) <= 0)
        return 0;
    /* "number six arguments sp pc", "-1 sp pc" or "running" */
    char *last = strrchr(text, ' ');
    if (!last)
        return 0;
    *last = 0;
    last = strrchr(text, ' ');
    return last ? strtoull(last, NULL, 16) : 0;
}

/* Is its stack large enough? SIGNAL_CAPTURE_TAKEN: yes, or unknown. */
static enum signal_capture_reason check_stack(const struct asking *asking,
                                              const struct signal_capture_thread *thread,
                                              const struct tracked *tracked)
{
    uint64_t sp = task_stack_pointer(asking->pid, thread->tid);
    const struct region *region = sp ? address_space_find(&asking->space, sp) : NULL;
    if (tracked->small_stack && (!region || sp - region->start < HANDLER_STACK))
        return SIGNAL_CAPTURE_SMALL_STACK;
    if (!region)
        return SIGNAL_CAPTURE_TAKEN;
    bool is_own = tracked->handle ? tracked->handle > sp && tracked->handle <= region->end
                                  : strcmp(region->path, "[stack]") == 0;
    return is_own ? SIGNAL_CAPTURE_TAKEN : SIGNAL_CAPTURE_OTHER_STACK;
}

/* SIGNAL_CAPTURE_TAKEN: the thread may get the signal. */
static enum signal_capture_reason check_before(const struct asking *asking,
                                               struct signal_capture_thread *thread, bool *gone)
{
    struct task_status status;
    uint64_t bit = 1ull << (asking->capture->signal - 1);
    struct tracked tracked;
    bool waits = false;

    *gone = !task_status_read(asking->pid, thread->tid, &status) || task_state_is_end(status.state);
    if (*gone)
        return SIGNAL_CAPTURE_SILENT;
    thread->own_tid = status.own_tid;
    if (!tracked_find(&asking->tracked, thread->tid, &tracked))
        return SIGNAL_CAPTURE_FOREIGN;
    if (!(status.caught & bit))
        return SIGNAL_CAPTURE_LOST;
    if (status.seccomp != ledger_get_header(asking->capture->ledger)->seccomp)
        return SIGNAL_CAPTURE_SANDBOXED;
    if (status.tracer > 0 && !tracer_is_ours(status.tracer))
        return SIGNAL_CAPTURE_TRACED;
    if (status.state == 'T' || status.state == 't')
        return SIGNAL_CAPTURE_STOPPED;
    if (status.blocked & bit)
        return status.state == 'R' || status.state == 'D' ? (enum signal_capture_reason)BLOCKED_NOW
                                                          : SIGNAL_CAPTURE_BLOCKED;
    enum signal_capture_reason stack = check_stack(asking, thread, &tracked);
    if (stack != SIGNAL_CAPTURE_TAKEN)
        return stack;
    waits = task_may_wait_for_signals(asking->pid, thread->tid, status.state);
    return waits ? SIGNAL_CAPTURE_WAITING : SIGNAL_CAPTURE_TAKEN;
}

/* ---- asking it ----------------------------------------------------------------------- */

static int send_request(const struct asking *asking, pid_t tid)
{
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = (void *)((uint64_t)LEDGER_STACK_REQUEST << 32 | asking->generation);
    while (syscall(SYS_rt_tgsigqueueinfo, asking->pid, tid, asking->capture->signal, &info) != 0) {
        /* EAGAIN: RLIMIT_SIGPENDING, a limit for all processes of the user. */
        if (errno != EAGAIN || now_ns() >= asking->deadline_ns)
            return errno;
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return 0;
}

/* ESRCH: it has ended. EPERM, ENOSYS: no thread can get a signal. */
static int ask(const struct asking *asking, struct signal_capture_thread *thread)
{
    bool gone;
    thread->reason = check_before(asking, thread, &gone);
    if (gone)
        return ESRCH;
    if (thread->reason != SIGNAL_CAPTURE_TAKEN)
        return 0;
    thread->reason = ASKED;
    return send_request(asking, thread->tid);
}

int ask_all(const struct asking *asking, bool again)
{
    struct signal_capture *capture = asking->capture;
    size_t kept = 0;

    for (size_t i = 0; i < capture->count; i++) {
        struct signal_capture_thread thread = capture->threads[i];
        int why = again && thread.reason != BLOCKED_NOW ? 0 : ask(asking, &thread);
        if (why == EPERM || why == ENOSYS)
            return why;
        if (why != ESRCH)
            capture->threads[kept++] = thread;
    }
    capture->count = kept;
    return 0;
}

struct answer {
    int32_t tid;
    const struct ledger_stack *current;
};

static struct answer *list_answers(const struct asking *asking, size_t *count)
{
    const struct ledger *ledger = asking->capture->ledger;
    const struct ledger_stack *current;
    struct answer *answers = NULL;
    uint32_t at = 0;

    *count = 0;
    while ((current = ledger_next_stack(ledger, &at))) {
        /* A newer stack is the answer to another reader's request, and equally valid. */
        if ((int32_t)((uint32_t)(current->stamp >> 32) - asking->generation) < 0)
            continue;
        if (!ARRAY_GROW(answers, *count))
            break;
        answers[(*count)++] = (struct answer){(int32_t)(uint32_t)current->stamp, current};
    }
    if (*count)
        qsort(answers, *count, sizeof(*answers), compare_tids);
    return answers;
}

size_t match_answers(const struct asking *asking)
{
    struct signal_capture *capture = asking->capture;
    size_t count, pending = 0;
    uint64_t now = now_ns();
    struct answer *answers = list_answers(asking, &count);

    capture->taken = 0;
    for (size_t i = 0; i < capture->count; i++) {
        struct signal_capture_thread *thread = &capture->threads[i];
        pending += thread->reason == BLOCKED_NOW && now < asking->again_ns;
        if (thread->reason != ASKED && thread->reason != SIGNAL_CAPTURE_TAKEN)
            continue;
        const struct answer *found =
            count ? bsearch(&thread->own_tid, answers, count, sizeof(*answers), compare_tids) : NULL;
        thread->current = found ? found->current : NULL;
        thread->reason = found ? SIGNAL_CAPTURE_TAKEN : ASKED;
        capture->taken += found != NULL;
        pending += !found;
    }
    free(answers);
    return pending;
}

void explain_silence(struct asking *asking)
{
    struct signal_capture *capture = asking->capture;
    const struct ledger_header *header = ledger_get_header(capture->ledger);
    uint64_t bit = 1ull << (capture->signal - 1);
    bool full = header->sections[SECTION_STACKS].cap - ledger_used(header, SECTION_STACKS) < 128;
    size_t kept = 0;

    bool listed = tracked_read(&asking->tracked, capture->ledger, asking->pid);
    for (size_t i = 0; i < capture->count; i++) {
        struct signal_capture_thread thread = capture->threads[i];
        struct task_status status;
        if (thread.reason != SIGNAL_CAPTURE_TAKEN &&
            (!task_status_read(asking->pid, thread.tid, &status) || task_state_is_end(status.state)))
            continue;
        if (thread.reason == BLOCKED_NOW)
            thread.reason = SIGNAL_CAPTURE_BLOCKED;
        if (thread.reason == SIGNAL_CAPTURE_FOREIGN && listed &&
            tracked_find(&asking->tracked, thread.tid, NULL))
            thread.reason = SIGNAL_CAPTURE_NEW;
        if (thread.reason == ASKED) {
            if (status.state == 'T' || status.state == 't')
                thread.reason = SIGNAL_CAPTURE_STOPPED;
            else if (status.blocked & bit)
                thread.reason = SIGNAL_CAPTURE_BLOCKED;
            else if (full)
                thread.reason = SIGNAL_CAPTURE_FULL;
        }
        capture->threads[kept++] = thread;
    }
    capture->count = kept;
}
