#include "preload/exit/steps.h"

#include <stdint.h>
#include <string.h>

#include "preload/exit/tasks.h"
#include "preload/ledger/thread.h"

struct sample {
    char name[16];
    char state;
    bool exiting; /* in the kernel */
    uint64_t cpu_ns;
};

#define PF_EXITING 4 /* include/linux/sched.h */

/* proc_pid_stat(5): "tid (name) state …", utime and stime are fields 14 and 15. */
static bool parse_stat(char *text, struct sample *sample)
{
    char *open = strchr(text, '('), *close = strrchr(text, ')');
    if (!open || !close || close < open || !close[1] || !close[2])
        return false;
    memset(sample, 0, sizeof(*sample));
    size_t n = (size_t)(close - open) - 1;
    memcpy(sample->name, open + 1, n < sizeof(sample->name) - 1 ? n : sizeof(sample->name) - 1);
    sample->state = close[2];
    const char *at = skip_words(close + 2, 6); /* flags: field 9 */
    if (!at)
        return false;
    sample->exiting = read_number(&at) & PF_EXITING;
    at = skip_words(at, 4);
    if (!at)
        return false;
    uint64_t ticks = read_number(&at);
    ticks += read_number(&at);
    sample->cpu_ns = ticks * 10000000ull; /* USER_HZ is 100 wherever there is glibc */
    return true;
}

static bool read_sample(long directory, int32_t tid, struct sample *sample)
{
    char buffer[512];
    return task_read(directory, tid, "stat", buffer, sizeof(buffer)) && parse_stat(buffer, sample);
}

static struct ledger_slot *slot_of(struct shim_state *state, int32_t tid)
{
    uint32_t used = ledger_used(state->header, SECTION_SLOTS);
    for (uint32_t i = 0; i < used; i++) {
        struct ledger_slot *slot = &state->slots[i];
        if (atomic_load(&slot->tid) == tid && atomic_load(&slot->serial))
            return slot;
    }
    return NULL;
}

static void record_untracked(struct shim_state *state, int32_t tid, const struct sample *sample)
{
    struct ledger_header *header = state->header;
    uint32_t n = atomic_fetch_add(&header->untracked_count, 1);
    if (n >= LEDGER_UNTRACKED_MAX)
        return;
    header->untracked[n].tid = tid;
    memcpy(header->untracked[n].name, sample->name, sizeof(sample->name));
}

struct sampling {
    struct shim_state *state;
    bool unsure; /* a task is untracked, or has recorded its end and is about to leave user space */
};

static bool record_task(void *arg, long directory, int32_t tid)
{
    struct sampling *sampling = arg;
    struct shim_state *state = sampling->state;
    struct sample sample;
    if (tid == state->pid || tid == shim_own_tid() || !read_sample(directory, tid, &sample))
        return true;
    struct ledger_slot *slot = slot_of(state, tid);
    if (!slot) {
        if (!sample.exiting)
            record_untracked(state, tid, &sample);
        sampling->unsure |= !sample.exiting && sample.state == 'R';
        return true;
    }
    if (atomic_load(&slot->state) & SLOT_ENDED)
        return true; /* the task is about to end */
    thread_named(slot, sample.name);
    atomic_store(&slot->sample_cpu_ns, sample.cpu_ns);
    atomic_store(&slot->sample_state, (uint16_t)sample.state);
    return true;
}

/* An untracked thread stays. One that is about to end needs the processor for some microseconds. */
#define SAMPLES_MAX 10
#define SAMPLES_PAUSE_US 1000

void final_sample(struct shim_state *state)
{
    struct sampling sampling = {.state = state, .unsure = true};
    bool done = false;
    for (int i = 0; sampling.unsure && i < SAMPLES_MAX; i++) {
        if (i > 0)
            grace_pause(SAMPLES_PAUSE_US);
        sampling.unsure = false;
        atomic_store(&state->header->untracked_count, 0);
        done = tasks_each(record_task, &sampling);
    }
    if (done)
        atomic_fetch_or(&state->header->flags, LEDGER_SAMPLED);
}
