#include "preload/exit/streams.h"

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h> /* only types, and functions of tests/data/shim_symbols.txt */

#include "preload/shim/faults.h"
#include "preload/shim/real.h"
#include "preload/shim/sys.h"

static int late_signal;

#ifdef __GLIBC__

/* libio's interface for debuggers and the like; glibc has it since 2.2. */
typedef FILE *_IO_ITER;
extern _IO_ITER _IO_iter_begin(void), _IO_iter_end(void), _IO_iter_next(_IO_ITER);
extern FILE *_IO_iter_file(_IO_ITER);
extern void _IO_list_lock(void), _IO_list_unlock(void);

#define IS_UNBUFFERED 2 /* _IO_UNBUFFERED of libio.h */
#define MAX_LEFT 8
#define TRIES 100 /* with pauses of 0.2 ms: the holder is in the middle of a call of stdio */

static FILE *left[MAX_LEFT];
static uint32_t left_count;

/* As _IO_cleanup: input is set back only for a buffered stream that was used. */
static void flush(FILE *stream)
{
    bool unread = !(stream->_flags & IS_UNBUFFERED) && stream->_mode != 0;
    bool output = stream->_IO_write_ptr > stream->_IO_write_base || stream->_mode > 0;
    if (unread || output)
        fflush_unlocked(stream);
}

static bool try_lock(FILE *stream)
{
    const struct timespec rest = {0, 200000};
    for (int tries = 0; tries < TRIES; tries++) {
        if (ftrylockfile(stream) == 0)
            return true;
        SYS2(nanosleep, &rest, NULL);
    }
    return false;
}

static void flush_all(void)
{
    /* A thread that runs holds the list's lock only for a moment, or exit() would wait for it, too. */
    _IO_list_lock();
    for (_IO_ITER at = _IO_iter_begin(); at != _IO_iter_end(); at = _IO_iter_next(at)) {
        FILE *stream = _IO_iter_file(at);
        if (try_lock(stream)) {
            flush(stream);
            funlockfile(stream);
        } else if (left_count < MAX_LEFT) {
            left[left_count++] = stream;
        }
    }
    _IO_list_unlock();
}

/* fclose() may have freed it meanwhile. */
static bool is_open(const FILE *stream)
{
    for (_IO_ITER at = _IO_iter_begin(); at != _IO_iter_end(); at = _IO_iter_next(at))
        if (_IO_iter_file(at) == stream)
            return true;
    return false;
}

/* At the very end. */
void streams_flush_rest(void)
{
    for (uint32_t i = 0; i < left_count; i++)
        if (is_open(left[i]))
            flush(left[i]);
}

#else

/* musl's exit() waits for the same locks, and sets no input back. */
static void flush_all(void)
{
    fflush(NULL);
}

void streams_flush_rest(void)
{
}

#endif

/* ---- signals of a failed write ------------------------------------------------------ */

/* The program's handler of such a signal runs now, as it would without the shim. */
static uint64_t deadly_signals(void)
{
    struct sigaction action = {0};
    uint64_t set = 0;
    if (REAL(sigaction)(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
        set |= signal_bit(SIGPIPE);
    if (REAL(sigaction)(SIGXFSZ, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
        set |= signal_bit(SIGXFSZ);
    return set;
}

void streams_flush(void)
{
    const struct timespec now = {0, 0};
    uint64_t deadly = deadly_signals(), before = 0, pending = 0;
    SYS4(rt_sigprocmask, SIG_BLOCK, &deadly, &before, KERNEL_SIGSET_SIZE);
    SYS2(rt_sigpending, &pending, KERNEL_SIGSET_SIZE);
    flush_all();
    deadly &= ~pending & ~before;
    long raised = deadly ? SYS4(rt_sigtimedwait, &deadly, NULL, &now, KERNEL_SIGSET_SIZE) : 0;
    late_signal = raised > 0 ? (int)raised : 0;
    SYS4(rt_sigprocmask, SIG_SETMASK, &before, NULL, KERNEL_SIGSET_SIZE);
}

int streams_signal(void)
{
    return late_signal;
}
