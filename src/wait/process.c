/* Sleeps, signals, child processes, System V objects, and calls without a row in kinds.def. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#if __has_include(<libiberty/libiberty.h>)
#include <libiberty/libiberty.h>
#else
#include <libiberty.h>
#endif

#include "base/text.h"
#include "wait/describe.h"
#include "wait/files.h"
#include "wait/time.h"

bool wait_for_sleep(const struct view *view)
{
    view->wait->on = WAIT_SLEEP;
    line_add(view->line, "sleep");
    if (view->whole_s < 0)
        return true;
    line_add(view->line, " of ");
    line_add_seconds(view->line, view->whole_s);
    return true;
}

#define BIT(number) (UINT64_C(1) << ((number)-1))
/* No program can wait for them: the kernel drops SIGKILL and SIGSTOP from a set, and glibc the two signals
 * that it uses itself (sysdeps/unix/sysv/linux/internal-signals.h). */
#define NEVER_WAITED_FOR (BIT(SIGKILL) | BIT(SIGSTOP) | BIT(32) | BIT(33))
enum { FIRST_REAL_TIME = 34, LAST_SIGNAL = 64 };

/* "signals 34 to 64": real-time signals have no names. Returns the last one. */
static int add_real_time(const struct view *view, uint64_t set, int first)
{
    int last = first;
    while (last < LAST_SIGNAL && set & BIT(last + 1))
        last++;
    if (last > first)
        line_add(view->line, "signals %d to %d", first, last);
    else
        line_add(view->line, "signal %d", first);
    return last;
}

static void add_signals(const struct view *view, uint64_t set)
{
    const char *between = "";
    for (int number = 1; number <= LAST_SIGNAL; number++) {
        if (!(set & BIT(number)))
            continue;
        const char *name = number < FIRST_REAL_TIME ? strsigno(number) : NULL;
        line_add(view->line, "%s", between);
        if (name && text_begins_with(name, "SIG"))
            line_add(view->line, "%s", name);
        else
            number = add_real_time(view, set, number);
        between = ", ";
    }
}

/* "SIGUSR1, SIGTERM", "any signal", "any signal but SIGPIPE, SIGCONT": whichever names fewer. */
static void add_set(const struct view *view, uint64_t set)
{
    uint64_t others = ~(set | NEVER_WAITED_FOR);
    if (!set || __builtin_popcountll(set) < __builtin_popcountll(others)) {
        line_add(view->line, set ? "" : "none");
        add_signals(view, set);
        return;
    }
    line_add(view->line, others ? "any signal but " : "any signal");
    add_signals(view, others);
}

bool wait_for_signal(const struct view *view)
{
    uint64_t set;
    view->wait->on = WAIT_SIGNAL;
    line_add(view->line, "signal wait");
    if (view->call.text)
        line_add(view->line, " for %s", view->call.text);
    else if (view_read(view, view->thread->syscall_args[0], &set, sizeof(set))) {
        line_add(view->line, " for ");
        add_set(view, set);
    }
    return true;
}

bool wait_for_child(const struct view *view)
{
    const uint64_t *args = view->thread->syscall_args;
    bool is_waitid = view->thread->syscall_nr == SYS_waitid;
    /* waitid(2): P_PID is 1, P_ALL 0; wait4(2): > 0 a pid, -1 any. */
    int pid = (int)args[is_waitid];
    char title[64];
    view->wait->on = WAIT_OTHER;
    if (is_waitid ? args[0] == 1 : pid > 0) {
        snprintf(title, sizeof(title), "%d", pid);
        /* The pid is one of its namespace. */
        if (view->waits->has_proc && view->waits->own_tids.differ)
            pid = own_child_find(view->waits->context.snapshot->pid, pid);
        if (view->waits->has_proc && pid > 0)
            process_title(pid, title, sizeof(title));
        line_add(view->line, "end of child process %s", title);
    } else
        line_add(view->line, "end of a%s child process", (is_waitid ? args[0] == 0 : pid == -1) ? "ny" : "");
    return true;
}

bool wait_for_semaphore_set(const struct view *view)
{
    view->wait->on = WAIT_SEMAPHORE;
    line_add(view->line, "System V semaphore set %d", (int)view->thread->syscall_args[0]);
    return true;
}

bool wait_for_queue(const struct view *view)
{
    view->wait->on = WAIT_OTHER;
    line_add(view->line, "%s %d", view->call.text, (int)view->thread->syscall_args[0]);
    return true;
}

bool wait_for_other(const struct view *view)
{
    view->wait->on = WAIT_OTHER;
    if (view->call.text)
        line_add(view->line, "%s", view->call.text);
    else
        line_add(view->line, "system call %ld", view->thread->syscall_nr);
    return true;
}
