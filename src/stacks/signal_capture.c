#include "stacks/signal_capture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "stacks/signal_capture_ask.h"
#include "stacks/captured.h"

static bool is_permitted(pid_t pid, const struct signal_capture *capture, struct error *error)
{
    const struct ledger_header *header = ledger_get_header(capture->ledger);
    if (header->flags & LEDGER_SANDBOXED)
        error_set(error, "process %d is in a sandbox, so its threads are not sent signals", (int)pid);
    else if (header->capture_signal == 0)
        error_set(error, "process %d uses all real-time signals, so threadleak has none", (int)pid);
    else if ((int)header->capture_signal < SIGRTMIN || (int)header->capture_signal > SIGRTMAX)
        error_set(error, "the ledger of process %d is damaged: %u is no real-time signal", (int)pid,
                  header->capture_signal);
    else
        return true;
    return false;
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

static void pause_ms(unsigned ms)
{
    nanosleep(&(struct timespec){0, ms * 1000000L}, NULL);
}

static void wait_for_answers(const struct asking *asking)
{
    unsigned pause = 1;
    bool last = false;
    while (match_answers(asking) > 0 && !last) {
        last = now_ns() >= asking->deadline_ns;
        pause_ms(pause);
        if (now_ns() < asking->again_ns)
            ask_all(asking, true);
        last |= !reopen(asking); /* the process has ended, so no more answers will come */
        pause = pause < 32 ? pause * 2 : pause;
    }
}

static enum signal_capture_status take(struct asking *asking, struct error *error)
{
    struct signal_capture *capture = asking->capture;
    pid_t pid = asking->pid;

    if (!list_tasks(pid, capture)) {
        error_set(error, "process %d: cannot list its threads: %s", (int)pid, strerror(errno));
        return SIGNAL_CAPTURE_FAILED;
    }
    /* This is read after the tasks, so that it is newer. */
    enum ledger_open_status opened = ledger_open_process(pid, &capture->ledger, error);
    if (opened != LEDGER_OPEN_OK)
        return opened == LEDGER_OPEN_NOT_WATCHED ? SIGNAL_CAPTURE_OFF : SIGNAL_CAPTURE_FAILED;
    if (!is_permitted(pid, capture, error))
        return SIGNAL_CAPTURE_OFF;
    const struct ledger_header *header = ledger_get_header(capture->ledger);
    capture->signal = (int)header->capture_signal;
    asking->generation = (uint32_t)(header->sections[SECTION_STACKS].used >> 32) + 1;
    if (!tracked_read(&asking->tracked, capture->ledger, pid) || !add_tracked(capture, &asking->tracked)) {
        error_set(error, "process %d: out of memory", (int)pid);
        return SIGNAL_CAPTURE_FAILED;
    }
    address_space_read(&asking->space, pid);
    int why = ask_all(asking, false);
    if (why) {
        error_set(error, "process %d cannot be sent a signal: %s", (int)pid, strerror(why));
        return SIGNAL_CAPTURE_FAILED;
    }
    wait_for_answers(asking);
    explain_silence(asking);
    return SIGNAL_CAPTURE_OK;
}

enum signal_capture_status signal_capture_take(pid_t pid, unsigned wait_ms, struct signal_capture **capture,
                                               struct error *error)
{
    uint64_t wait_ns = (wait_ms ? wait_ms : 1000) * 1000000ull, now = now_ns();
    struct asking asking = {.pid = pid, .deadline_ns = now + wait_ns, .again_ns = now + wait_ns / 4};
    enum signal_capture_status status = SIGNAL_CAPTURE_FAILED;

    *capture = NULL;
    asking.capture = calloc(1, sizeof(*asking.capture));
    if (!asking.capture) {
        error_set(error, "process %d: out of memory", (int)pid);
        return status;
    }
    status = take(&asking, error);
    tracked_release(&asking.tracked);
    address_space_release(&asking.space);
    if (status == SIGNAL_CAPTURE_OK)
        *capture = asking.capture;
    else
        signal_capture_free(asking.capture);
    return status;
}
