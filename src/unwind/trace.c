#include "unwind/stack_set.h"

#include <stdlib.h>

#include "unwind/cursor.h"

enum { MAX_FRAMES = 1 << 17 };

static bool trace_add(struct trace *trace, uint64_t pc, uint64_t sp)
{
    if (trace->count == trace->capacity) {
        size_t capacity = trace->capacity ? 2 * trace->capacity : 128;
        uint64_t *pcs = realloc(trace->pcs, capacity * sizeof(*pcs));
        if (pcs)
            trace->pcs = pcs;
        bool *are_returns = realloc(trace->are_returns, capacity * sizeof(*are_returns));
        if (are_returns)
            trace->are_returns = are_returns;
        uint64_t *sps = realloc(trace->sps, capacity * sizeof(*sps));
        if (sps)
            trace->sps = sps;
        if (!pcs || !are_returns || !sps)
            return false;
        trace->capacity = capacity;
    }
    trace->sps[trace->count] = sp;
    trace->pcs[trace->count++] = pc;
    return true;
}

void trace_thread(struct trace *trace, struct code *code, const struct snapshot_thread *thread,
                  size_t *frames_left)
{
    struct cursor cursor;
    enum step step = STEP_CALLER;
    trace->count = 0;
    trace->incomplete = NULL;
    trace->missing = 0;
    trace->is_cut = false;
    trace->stray = 0;
    cursor_init(&cursor, code, thread);
    while (step == STEP_CALLER) {
        if (trace->count == MAX_FRAMES || *frames_left == 0 ||
            !trace_add(trace, cursor.regs[SNAPSHOT_REG_PC], cursor.regs[SNAPSHOT_REG_SP])) {
            trace->incomplete = "too many frames";
            return;
        }
        (*frames_left)--;
        step = cursor_step(&cursor, &trace->are_returns[trace->count - 1]);
    }
    if (step == STEP_LAST)
        trace->incomplete = cursor.doubt;
    if (step == STEP_LOST) {
        trace->incomplete = cursor.why;
        trace->is_cut = cursor.is_cut;
        trace->stray = cursor.stray;
    }
    if (step == STEP_MISSING) {
        trace->incomplete = "the stack is deeper than what was copied";
        trace->missing = cursor.missing;
    }
}

void trace_release(struct trace *trace)
{
    free(trace->pcs);
    free(trace->sps);
    free(trace->are_returns);
}
