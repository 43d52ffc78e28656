/*
 * Registers of the threads. A thread that is left running in its system call shows those of the call only.
 * Vector registers need ptrace, so this runs in the tracing thread.
 */
#include "reach/collector.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#if defined(__x86_64__)
enum { VECTOR_SET = NT_X86_XSTATE };
#else
enum { VECTOR_SET = NT_PRFPREG };
#endif

enum { MAX_VECTORS = 16384 };

/* A function call keeps no vector register (on x86_64), and libc makes system calls in functions. */
static bool has_vectors(const struct reach_collector *collector, const struct snapshot_thread *thread)
{
    const struct reach_glibc *glibc = &collector->image.glibc;
    bool in_libc = thread->pc >= glibc->libc_start && thread->pc < glibc->libc_end;
#if defined(__aarch64__)
    in_libc = false; /* the lower halves of v8 to v15 are kept */
#endif
    return !thread->unstopped && !(thread->syscall_nr >= 0 && in_libc);
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

static void set_words(struct reach_thread *to, uint64_t *words, const struct snapshot_thread *from)
{
    to->words = words;
    for (int reg = 0; reg < SNAPSHOT_REGS; reg++)
        if (!(from->unknown_regs >> reg & 1))
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
        set_words(to, collector->words + i * SNAPSHOT_REGS, from);
        collector->vector_at[i] = collector->vectors.size;
        if (!add_vectors(collector, from, &to->vector_size))
            return reach_refuse(collector, "out of memory");
    }
    return true;
}
