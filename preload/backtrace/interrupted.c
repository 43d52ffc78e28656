/* The backtrace of code that a signal interrupted. */

#include "common/ledger.h"
#include "preload/backtrace/capture.h"
#include "preload/backtrace/unwinder.h"
#include "preload/backtrace/walk.h"
#include "preload/shim/guard.h"

#if HAS_LIBUNWIND
struct interrupted {
    void **frames;
    uint32_t depth, count;
    void *context;
    bool whole;
};

static __attribute__((noinline)) void walk_frames(struct interrupted *stack)
{
    unw_cursor_t cursor;
    int more = unwinder.init_local2(&cursor, stack->context, UNW_INIT_SIGNAL_FRAME) == 0;
    while (more > 0 && stack->count < stack->depth) {
        unw_word_t pc;
        if (unwinder.get_reg(&cursor, UNW_REG_IP, &pc) != 0)
            break;
        stack->whole = pc == 0;
        if (pc == 0)
            break;
        stack->frames[stack->count] = (void *)pc;
        stack->count++;
        more = unwinder.step(&cursor);
        stack->whole = more == 0;
    }
}

static __attribute__((noinline)) void walk_interrupted(struct interrupted *stack)
{
    struct capture_walk walk = {0};
    shim_tls.walk = &walk;
    shim_tls.signals_blocked = true; /* the handler's mask */
    if (WALK_SET(walk.given_up) == 0)
        walk_frames(stack);
    shim_tls.signals_blocked = false;
    shim_tls.walk = NULL;
}

void capture_interrupted(struct capture *capture, void *context, uint32_t depth)
{
    struct interrupted stack = {.frames = capture->frames, .depth = depth, .context = context};
    capture_caller(capture, (void *)CONTEXT_PC((ucontext_t *)context));
    if (!capture_usable() || !unwinder_reads_safely()) {
        capture->flags |= SITE_NO_UNWINDER;
        return;
    }
    if (shim_tls.unwinding)
        return;
    guard_unwind_begin();
    walk_interrupted(&stack);
    guard_unwind_end();
    capture->count = stack.count ? stack.count : 1;
    capture->flags = stack.whole ? 0 : SITE_TRUNCATED;
}

#else
/* Most code has no frame pointers. */
void capture_interrupted(struct capture *capture, void *context, uint32_t depth)
{
    (void)depth;
    capture_caller(capture, (void *)CONTEXT_PC((ucontext_t *)context));
    capture->flags |= SITE_NO_UNWINDER;
}
#endif
