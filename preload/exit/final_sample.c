#include "preload/exit/steps.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include "preload/ledger/thread.h"
#include "preload/shim/sys.h"

struct linux_dirent {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

struct sample {
    char name[16];
    char state;
    uint64_t cpu_ns;
};

static const char *skip_words(const char *at, int words)
{
    while (words-- > 0 && at) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    return at;
}

static uint64_t read_number(const char **at)
{
    uint64_t value = 0;
    while (**at >= '0' && **at <= '9')
        value = value * 10 + (uint64_t)(*(*at)++ - '0');
    if (**at == ' ')
        (*at)++;
    return value;
}

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
    const char *at = skip_words(close + 2, 11);
    if (!at)
        return false;
    uint64_t ticks = read_number(&at);
    ticks += read_number(&at);
    sample->cpu_ns = ticks * 10000000ull; /* USER_HZ is 100 wherever there is glibc */
    return true;
}

static bool read_sample(long directory, const char *tid, struct sample *sample)
{
    char path[40], buffer[512];
    size_t n = strnlen(tid, 20);
    memcpy(path, tid, n);
    memcpy(path + n, "/stat", 6);
    long fd = SYS3(openat, directory, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    long got = SYS3(read, fd, buffer, sizeof(buffer) - 1);
    SYS1(close, fd);
    if (got <= 0)
        return false;
    buffer[got] = 0;
    return parse_stat(buffer, sample);
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

static void record_task(struct shim_state *state, long directory, const char *name)
{
    const char *at = name;
    int32_t tid = (int32_t)read_number(&at);
    struct sample sample;
    if (tid == 0 || tid == state->pid || tid == shim_own_tid() || !read_sample(directory, name, &sample))
        return;
    struct ledger_slot *slot = slot_of(state, tid);
    if (!slot) {
        if (sample.state != 'X' && sample.state != 'Z')
            record_untracked(state, tid, &sample);
        return;
    }
    if (atomic_load(&slot->state) & SLOT_ENDED)
        return; /* the task is about to end */
    thread_named(slot, sample.name);
    atomic_store(&slot->sample_cpu_ns, sample.cpu_ns);
    atomic_store(&slot->sample_state, (uint32_t)sample.state);
}

void final_sample(struct shim_state *state)
{
    char buffer[2048] __attribute__((aligned(8)));
    long directory = SYS4(openat, AT_FDCWD, "/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    long got;
    if (directory < 0)
        return;
    while ((got = SYS3(getdents64, directory, buffer, sizeof(buffer))) > 0)
        for (long at = 0; at < got;) {
            struct linux_dirent *entry = (void *)(buffer + at);
            record_task(state, directory, entry->name);
            at += entry->length;
        }
    SYS1(close, directory);
    atomic_fetch_or(&state->header->flags, LEDGER_SAMPLED);
}
