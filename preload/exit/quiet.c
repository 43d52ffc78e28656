#include "preload/exit/quiet.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>

#include "preload/exit/tasks.h"
#include "preload/shim/sys.h"

#define MAX_TASKS 2000 /* two passes over them take some 50 ms */

struct pass {
    const struct shim_state *state;
    struct quiet *quiet;
    int32_t self;
    uint32_t count;
    uint64_t hash; /* of tids and numbers of context switches */
};

static uint64_t read_hex(const char **at)
{
    uint64_t value = 0;
    const char *digits = "0123456789abcdef", *digit;
    if (strncmp(*at, "0x", 2) == 0)
        *at += 2;
    for (; **at && (digit = strchr(digits, **at)); (*at)++)
        value = value * 16 + (uint64_t)(digit - digits);
    if (**at == ' ')
        (*at)++;
    return value;
}

/* ---- one task --------------------------------------------------------------------- */

/* pthread_join waits until the kernel clears the tid in the descriptor of the thread. */
static bool waits_for_thread(const struct shim_state *state, uint64_t address, uint64_t tid)
{
    uint32_t used = ledger_used(state->header, SECTION_SLOTS);
    for (uint32_t i = 0; tid && shim_config.tid_offset >= 0 && i < used; i++) {
        const struct ledger_slot *slot = &state->slots[i];
        if (atomic_load(&slot->serial) && (uint64_t)atomic_load(&slot->tid) == tid &&
            atomic_load(&slot->handle) + (uint64_t)shim_config.tid_offset == address)
            return !(atomic_load(&slot->state) & SLOT_ENDED);
    }
    return false;
}

static bool waits_for_futex(const struct shim_state *state, const uint64_t args[4])
{
    int command = (int)args[1] & FUTEX_CMD_MASK;
    if ((command != FUTEX_WAIT && command != FUTEX_WAIT_BITSET) || args[3])
        return false;
    return args[1] & FUTEX_PRIVATE_FLAG || waits_for_thread(state, args[0], args[2]);
}

/* proc_pid_syscall(5): "NR 0xARG … 0xSP 0xPC", or "running". */
static bool waits_for_ever(const struct shim_state *state, const char *text)
{
    uint64_t args[4];
    const char *at = text;
    if (*at < '0' || *at > '9')
        return false;
    uint64_t number = read_number(&at);
    for (size_t i = 0; i < sizeof(args) / sizeof(*args); i++)
        args[i] = read_hex(&at);
    switch (number) {
    case SYS_futex:
        return waits_for_futex(state, args);
#ifdef SYS_pause
    case SYS_pause:
        return true;
#endif
    case SYS_ppoll:
        return args[1] == 0 && args[2] == 0;
    default:
        return false;
    }
}

/* *hash: gets the task and its numbers of context switches, which are the last lines of its status. They are
 * read first: a thread that runs after that is noticed by the other pass. */
static bool is_waiting(const struct pass *pass, long directory, int32_t tid, uint64_t *hash)
{
    char status[4096], call[256];
    if (!task_read(directory, tid, "status", status, sizeof(status)))
        return false;
    const char *at = strstr(status, "\nvoluntary_ctxt_switches:");
    *hash ^= (uint64_t)tid;
    for (; at && *at; at++)
        *hash = (*hash ^ (unsigned char)*at) * 0x9e3779b97f4a7c15ull;
    if (at && strstr(status, "\nState:\tZ")) /* a main thread that has ended */
        return true;
    return at && task_read(directory, tid, "syscall", call, sizeof(call)) &&
           waits_for_ever(pass->state, call);
}

/* ---- all tasks ------------------------------------------------------------------------ */

static bool add(void *arg, long directory, int32_t tid)
{
    struct pass *pass = arg;
    if (tid == pass->self)
        return true;
    if (++pass->count <= MAX_TASKS && is_waiting(pass, directory, tid, &pass->hash))
        return true;
    pass->quiet->busy = tid;
    return false;
}

/* Most often the thread that could run before still can. */
static bool is_still_busy(const struct pass *pass)
{
    int32_t tid = pass->quiet->busy;
    long directory =
        tid ? SYS4(openat, AT_FDCWD, "/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0) : -1;
    char buffer[256];
    if (directory < 0)
        return false;
    bool busy =
        task_read(directory, tid, "syscall", buffer, sizeof(buffer)) && !waits_for_ever(pass->state, buffer);
    SYS1(close, directory);
    return busy;
}

bool quiet_for_ever(struct quiet *quiet, const struct shim_state *state)
{
    struct pass first = {.state = state, .quiet = quiet, .self = shim_own_tid()}, second = first;
    if (is_still_busy(&first) || !tasks_each(add, &first) || !tasks_each(add, &second))
        return false;
    return first.count == second.count && first.hash == second.hash;
}
