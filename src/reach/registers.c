/*
 * Registers of the threads. A thread that is left running in its system call shows those of the call only.
 * Vector registers need ptrace, so this runs in the tracing thread.
 */
#include "reach/collector.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#if defined(__x86_64__)
enum { VECTOR_SET = NT_X86_XSTATE };
#else
enum { VECTOR_SET = NT_PRFPREG };
#endif

enum { MAX_VECTORS = 16384 };

static bool is_in_libc(const struct reach_collector *collector, const struct snapshot_thread *thread)
{
    const struct reach_glibc *glibc = &collector->image.glibc;
    return thread->pc >= glibc->libc_start && thread->pc < glibc->libc_end;
}

/* A function call keeps no vector register (on x86_64), and libc makes system calls in functions. */
static bool has_vectors(const struct reach_collector *collector, const struct snapshot_thread *thread)
{
    bool in_libc = is_in_libc(collector, thread);
#if defined(__aarch64__)
    in_libc = false; /* the lower halves of v8 to v15 are kept */
#endif
    return !collector->is_core && !thread->unstopped && !(thread->syscall_nr >= 0 && in_libc);
}

static bool add_vectors(struct reach_collector *collector, const struct snapshot_thread *thread, size_t *size)
{
    static _Thread_local unsigned char bytes[MAX_VECTORS];
    struct iovec iov = {bytes, sizeof(bytes)};
    *size = 0;
    if (!has_vectors(collector, thread) ||
        ptrace(PTRACE_GETREGSET, thread->tid, (void *)(long)VECTOR_SET, &iov) != 0)
        return true;
    *size = iov.iov_len;
    return reach_bytes_add(&collector->vectors, bytes, iov.iov_len);
}

#if defined(__x86_64__)

/* Calls that threads block in, and how many arguments they have. */
static const struct {
    short nr, arguments;
} calls[] = {
    {SYS_read, 3},          {SYS_write, 3},           {SYS_readv, 3},  {SYS_writev, 3},  {SYS_poll, 3},
    {SYS_nanosleep, 2},     {SYS_pause, 0},           {SYS_accept, 3}, {SYS_connect, 3}, {SYS_sendmsg, 3},
    {SYS_recvmsg, 3},       {SYS_clock_nanosleep, 4}, {SYS_wait4, 4},  {SYS_accept4, 4}, {SYS_epoll_wait, 4},
    {SYS_rt_sigsuspend, 2}, {SYS_rt_sigtimedwait, 4}, {SYS_ppoll, 5},  {SYS_select, 5},  {SYS_waitid, 5},
    {SYS_futex, 4},         {SYS_flock, 2},           {SYS_fsync, 1},  {SYS_ioctl, 3},   {SYS_fcntl, 3},
};

/* Registers that may contain something that is still needed. A call keeps neither %rax, %rcx and %r11 nor the
 * registers of arguments, so the caller of libc has nothing there. What the call has no argument for is old.
 */
static uint64_t needed(const struct snapshot_thread *thread, bool in_libc)
{
    static const unsigned char order[] = {5, 4, 1, 10, 8, 9}; /* rdi, rsi, rdx, r10, r8, r9 */
    uint64_t mask = ~UINT64_C(0);
    if (!in_libc || thread->syscall_nr < 0)
        return mask;
    mask &= ~(UINT64_C(1) << 0 | UINT64_C(1) << 2 | UINT64_C(1) << 11);
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
        for (int j = calls[i].arguments; calls[i].nr == thread->syscall_nr && j < 6; j++)
            mask &= ~(UINT64_C(1) << order[j]);
    return mask;
}

#else

static uint64_t needed(const struct snapshot_thread *thread, bool in_libc)
{
    (void)thread;
    (void)in_libc;
    return ~UINT64_C(0);
}

#endif

static void set_words(const struct reach_collector *collector, struct reach_thread *to, uint64_t *words,
                      const struct snapshot_thread *from)
{
    uint64_t mask = needed(from, is_in_libc(collector, from)) & ~from->unknown_regs;
    to->words = words;
    for (int reg = 0; reg < SNAPSHOT_REGS; reg++)
        if (mask >> reg & 1)
            words[to->word_count++] = from->regs[reg];
}

bool reach_registers_read(struct reach_collector *collector, const struct snapshot *snapshot)
{
    struct reach_image *image = &collector->image;
    image->threads = calloc(snapshot->count + 1, sizeof(*image->threads));
    collector->words = calloc(snapshot->count * SNAPSHOT_REGS + 1, sizeof(*collector->words));
    collector->vector_at = calloc(snapshot->count + 1, sizeof(*collector->vector_at));
    if (!image->threads || !collector->words || !collector->vector_at)
        return reach_refuse(collector, "out of memory");
    image->thread_count = snapshot->count;
    for (size_t i = 0; i < snapshot->count; i++) {
        const struct snapshot_thread *from = &snapshot->threads[i];
        struct reach_thread *to = &image->threads[i];
        *to = (struct reach_thread){.tid = from->tid, .own_tid = from->tid};
        if (from->state != SNAPSHOT_STOPPED) {
            to->unknown_registers = from->state != SNAPSHOT_KERNEL;
            continue;
        }
        to->thread_pointer = from->thread_pointer;
        to->sp = from->sp;
        to->unknown_registers = from->unstopped;
        to->in_libc = from->syscall_nr >= 0 && is_in_libc(collector, from);
        set_words(collector, to, collector->words + i * SNAPSHOT_REGS, from);
        collector->vector_at[i] = collector->vectors.size;
        if (!add_vectors(collector, from, &to->vector_size))
            return reach_refuse(collector, "out of memory");
    }
    return true;
}
