/*
 * Backtraces.  libunwind is loaded with RTLD_LOCAL, so that the program never calls its _Unwind_* functions.
 */
#ifndef THREADLEAK_PRELOAD_BACKTRACE_CAPTURE_H
#define THREADLEAK_PRELOAD_BACKTRACE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include "preload/ledger/module_find.h"
#include "preload/ledger/site.h"

#ifdef __x86_64__
#define CONTEXT_PC(context) ((context)->uc_mcontext.gregs[REG_RIP])
#else
#define CONTEXT_PC(context) ((context)->uc_mcontext.pc)
#endif

/* capture_take needs memory for this many frames, capture_caller for one. */
#define CAPTURE_MAX (shim_config.options.depth + 8)

/* Loads libunwind.  Without it a capture has only the caller. */
void capture_start(void);
bool capture_usable(void);

/* The backtrace, which begins at the caller of a hook. caller: the return address of the hook. It needs
 * stack_has_room(), because libunwind holds its lock while it needs most. Changes errno. */
void capture_take(struct capture *capture, void *caller);

/* The site of a creation. start: its start routine. nested: it interrupted a hook. Without room for a
 * backtrace it has only the caller. */
uint32_t capture_site(struct shim_state *state, void *caller, uint64_t start, bool nested);

/* Captures only the caller. For a signal handler that interrupted a hook: unwinding is not safe there. */
void capture_caller(struct capture *capture, void *caller);

/*
 * The backtrace of interrupted code, in a signal handler.  context: a ucontext_t.
 * frames[0] is the exact pc, and there are at most `depth` frames.
 *
 * It asks the kernel whether memory is readable, because a fault in a handler ends the program.  If our own
 * unwinding was interrupted, the capture has only the pc.
 */
void capture_interrupted(struct capture *capture, void *context, uint32_t depth);

/* Around dlclose: libunwind's caches and the index of sites can be wrong for the addresses of the library.
 * state: NULL if there is no ledger. caller: the return address of the hook. */
struct module_unload capture_before_unload(struct shim_state *state, void *handle, void *caller);
void capture_after_unload(struct shim_state *state, const struct module_unload *unload, int result);

/* Call them before fork and in the child, where no other thread can release a lock of libunwind. */
void capture_before_fork(void);
void capture_in_child(void);

#endif
