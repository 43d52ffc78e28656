#include "preload/backtrace/signal_capture.h"

#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include "preload/backtrace/capture.h"
#include "preload/ledger/module.h"
#include "preload/ledger/section.h"
#include "preload/ledger/thread.h"
#include "preload/shim/hook.h"
#include "preload/shim/next.h"
#include "preload/shim/on_stack.h"
#include "preload/shim/park.h"
#include "preload/shim/real.h"
#include "preload/shim/sys.h"

/* Frames of a current stack, even if depth= is smaller. */
#define MIN_DEPTH 64
_Static_assert(OPTIONS_DEPTH_MAX <= LEDGER_STACK_DEPTH_MAX, "a reader accepts every record");
/* Bytes of stack for the unwinder, without the frames. */
#define UNWIND_STACK 49152
/* Bytes of stack that must be free where the handler begins. */
#define MIN_STACK 1024

struct request {
    struct shim_state *state;
    ucontext_t *context;
    uint32_t generation;
    int32_t tid;
    uint32_t depth;
};

/* ---- the handler ----------------------------------------------------------------- */

static void write_record(const struct request *request, const struct capture *capture)
{
    struct shim_state *state = request->state;
    uint32_t words = (uint32_t)(sizeof(struct ledger_stack) / sizeof(uint64_t)) + capture->count;
    words = (words + LEDGER_STACK_GRAIN - 1) / LEDGER_STACK_GRAIN * LEDGER_STACK_GRAIN;
    uint32_t at = ledger_take_stack(state, request->generation, words);
    if (at == UINT32_MAX)
        return;
    struct ledger_stack *stack = (struct ledger_stack *)(state->stacks + at);
    uint64_t stamp = (uint64_t)request->generation << 32 | (uint32_t)request->tid;
    atomic_store(&stack->stamp, 0);
    stack->frame_count = capture->count;
    stack->flags = capture->flags;
    stack->serial = thread_own_serial(state);
    stack->taken_ns = shim_coarse_ns();
    module_encode_all(state, (const uint64_t *)capture->frames, capture->count, stack->frames);
    stack->hash = ledger_stack_hash(stack, stamp);
    atomic_store_explicit(&stack->stamp, stamp, memory_order_release);
}

static void capture_stack(void *arg)
{
    const struct request *request = arg;
    struct capture *capture =
        __builtin_alloca(sizeof(*capture) + (request->depth + 1) * sizeof(*capture->frames));
    capture_interrupted(capture, request->context, request->depth);
    write_record(request, capture);
}

static __attribute__((noinline)) void take(struct request *request)
{
    unsigned depth = shim_config.options.depth;
    request->depth = depth < MIN_DEPTH ? MIN_DEPTH : depth;
    size_t size = UNWIND_STACK + (request->depth * sizeof(void *) + 4095) / 4096 * 4096;
    void *memory = sys_map(size);
    if (!memory)
        return;
    on_stack((char *)memory + size, capture_stack, request);
    SYS2(munmap, memory, size);
}

static bool is_request(const siginfo_t *info)
{
    return info->si_code == SI_QUEUE && (uint64_t)info->si_value.sival_ptr >> 32 == LEDGER_STACK_REQUEST;
}

static bool has_stack(const ucontext_t *context)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0), low = (uintptr_t)context->uc_stack.ss_sp;
    bool alternate =
        context->uc_stack.ss_flags != SS_DISABLE && here >= low && here - low < context->uc_stack.ss_size;
    return !alternate || here - low >= MIN_STACK;
}

/* At a judged end without ptrace: after its stack was recorded, the thread must not act any more. */
static void park_if_ending(struct shim_state *state, int32_t tid)
{
    if (!atomic_load(&state->parking) || tid == atomic_load(&state->header->end_tid))
        return;
    atomic_store(&state->parked, 1);
    park();
}

static void on_request(int number, siginfo_t *info, void *context)
{
    struct shim_state *state = shim_known();
    if (!is_request(info)) {
        if (!state || !atomic_load(&state->parking)) /* from a judged end on no signal ends the process */
            real_act_as_default(number);
        return;
    }
    if (!state || !has_stack(context))
        return;
    /* A thread that the program made with clone() can share thread-local storage. */
    struct request request = {.state = state, .context = context, .tid = (int32_t)SYS0(gettid)};
    if (request.tid != shim_own_tid())
        return;
    int saved_errno = errno;
    request.generation = (uint32_t)(uint64_t)info->si_value.sival_ptr;
    take(&request);
    park_if_ending(state, request.tid);
    errno = saved_errno;
}

/* ---- the signal ----------------------------------------------------------------- */

void signal_capture_start(void)
{
    *(void **)&libc_sigaction = next_in_libc("sigaction");
}

bool signal_capture_is_handler(void (*handler)(int))
{
    return handler == (void (*)(int))(void *)on_request;
}

static bool has_handler(int number, struct sigaction *action)
{
    return libc_sigaction(number, NULL, action) == 0 && signal_capture_is_handler(action->sa_handler);
}

static bool reserve(int number)
{
    struct sigaction action;
    if (libc_sigaction(number, NULL, &action) != 0 || action.sa_flags & SA_SIGINFO ||
        action.sa_handler != SIG_DFL)
        return false;
    memset(&action, 0, sizeof(action));
    action.sa_sigaction = on_request;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    /* No handler of the program may interrupt this one. */
    memset(&action.sa_mask, 0xff, sizeof(action.sa_mask));
    return libc_sigaction(number, &action, NULL) == 0;
}

void signal_capture_arm(struct shim_state *state)
{
    struct sigaction action;
    int known = shim_config.capture_signal;
    if (!libc_sigaction || shim_config.sandboxed || shim_config.no_reporter)
        return;
    if (known && has_handler(known, &action)) { /* in a forked child */
        atomic_store(&state->header->capture_signal, (uint32_t)known);
        return;
    }
    /* The highest signals come first, because programs take theirs from SIGRTMIN on. valgrind uses
     * SIGRTMAX. */
    for (int number = SIGRTMAX - 1; number > SIGRTMIN + 8; number--)
        if (number != shim_config.options.signal && reserve(number)) {
            shim_config.capture_signal = number;
            atomic_store(&state->header->capture_signal, (uint32_t)number);
            return;
        }
}

/* A vfork child has its own dispositions. */
static bool is_reserved(const struct shim_state *state, int number)
{
    return state && number == shim_config.capture_signal && number != 0 && shim_is_own_process(state);
}

void signal_capture_before_change(int number)
{
    IN_HOOK(shim_known);
    if (is_reserved(hook.state, number))
        atomic_store(&hook.state->header->capture_signal, 0);
}

void signal_capture_after_change(int number)
{
    struct sigaction action;
    IN_HOOK(shim_known);
    if (is_reserved(hook.state, number) && has_handler(number, &action))
        atomic_store(&hook.state->header->capture_signal, (uint32_t)number);
}

void signal_capture_sandboxed(bool sure)
{
    IN_HOOK(shim_own);
    if (hook.state && (sure || hook.state->header->seccomp != 0))
        atomic_fetch_or(&hook.state->header->flags, LEDGER_SANDBOXED);
}
