#include "evidence/sample.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/shim.h"
#include "ledger/follow.h"
#include "proc/clocks.h"
#include "proc/file.h"
#include "proc/process.h"
#include "proc/status.h"

struct sampler {
    pid_t pid;
    uint64_t start_ticks;
    char *exe;
    dev_t device; /* of the executable */
    ino_t inode;
    unsigned program;
    bool has_shim;   /* without a ledger yet */
    bool shim_known; /* has_shim is final */
    int64_t clock_ahead_ns;
    struct followed_ledger *followed;
    struct started_threads *started; /* of a process without a ledger */
};

static void set_times(struct sample *sample)
{
    struct timespec boot;
    uint64_t per_s = (uint64_t)sysconf(_SC_CLK_TCK);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    sample->now_ns = now_ns();
    sample->now_ticks = (uint64_t)boot.tv_sec * per_s + (uint64_t)boot.tv_nsec * per_s / 1000000000u;
    sample->ticks_per_s = per_s;
}

/* ---- the program ----------------------------------------------------------------------------- */

static void forget_program(struct sampler *sampler)
{
    ledger_follow_end(sampler->followed);
    started_free(sampler->started);
    free(sampler->exe);
    sampler->followed = NULL;
    sampler->started = NULL;
    sampler->exe = NULL;
}

/* OK also without a ledger. */
static enum ledger_open_status begin_program(struct sampler *sampler, struct error *error)
{
    struct stat status;
    sampler->program++;
    sampler->clock_ahead_ns = process_clock_ahead_ns(sampler->pid);
    sampler->exe = process_exe(sampler->pid);
    if (stat(PROC_PATH("%d/exe", sampler->pid), &status) == 0) {
        sampler->device = status.st_dev;
        sampler->inode = status.st_ino;
    }
    enum ledger_open_status opened = ledger_follow(sampler->pid, &sampler->followed, error);
    if (opened != LEDGER_OPEN_NOT_WATCHED)
        return opened;
    sampler->shim_known = sampler->has_shim = false;
    sampler->started = started_open(sampler->pid);
    if (!sampler->started)
        error_set(error, "process %d cannot be read: it has ended, or memory is short", (int)sampler->pid);
    return sampler->started ? LEDGER_OPEN_OK : LEDGER_OPEN_FAILED;
}

/* The file of the executable shows an exec of another program. */
static bool is_other_program(const struct sampler *sampler)
{
    struct stat status;
    return stat(PROC_PATH("%d/exe", sampler->pid), &status) == 0 &&
           (status.st_dev != sampler->device || status.st_ino != sampler->inode);
}

/* The ledger of a watched process begins with its first thread. The loader maps the shim some time after
 * exec, and before any thread. */
static void look_for_ledger(struct sampler *sampler, uint64_t tasks)
{
    struct error ignored;
    if (!sampler->has_shim && !sampler->shim_known)
        sampler->has_shim = process_maps_file(sampler->pid, SHIM_NAME);
    sampler->shim_known = tasks > 1;
    if (!sampler->has_shim || ledger_follow(sampler->pid, &sampler->followed, &ignored) != LEDGER_OPEN_OK)
        return;
    started_free(sampler->started);
    sampler->started = NULL;
    sampler->program++;
}

/* ---- one sample ------------------------------------------------------------------------------ */

static enum sample_status gone(const struct sampler *sampler, struct error *error)
{
    error_set(error, "process %d%s%s%s has ended", (int)sampler->pid, sampler->exe ? " (" : "",
              sampler->exe ? sampler->exe : "", sampler->exe ? ")" : "");
    return SAMPLE_GONE;
}

static bool read_ledger(struct sampler *sampler, struct sample *sample, struct error *error)
{
    if (ledger_follow_read(sampler->followed, &sample->ledger, error) != LEDGER_OPEN_OK)
        return false;
    if (thread_index_read(&sample->threads, sample->ledger))
        return true;
    ledger_close(sample->ledger);
    return error_set(error, "process %d: out of memory", (int)sampler->pid);
}

/* `attach` writes the times of its own clock. */
static bool is_attached(const struct sample *sample)
{
    return sample->ledger && ledger_get_header(sample->ledger)->flags & LEDGER_ATTACHED;
}

static bool ended_by_exec(const struct sample *sample)
{
    return sample->ledger && ledger_get_header(sample->ledger)->end == LEDGER_END_EXEC;
}

static bool read_program(struct sampler *sampler, struct sample *sample, struct error *error)
{
    if ((sampler->followed || sampler->started) && is_other_program(sampler))
        forget_program(sampler);
    if (!sampler->followed && !sampler->started && begin_program(sampler, error) != LEDGER_OPEN_OK)
        return false;
    if (!sampler->followed)
        look_for_ledger(sampler, sample->tasks);
    if (sampler->followed)
        return read_ledger(sampler, sample, error);
    sample->started = sampler->started;
    return started_update(sampler->started, sample->tasks) ||
           error_set(error, "process %d: its threads cannot be listed: %s", (int)sampler->pid,
                     strerror(errno));
}

/* A process that called exec for its own program again has another ledger then. */
static bool read_latest_program(struct sampler *sampler, struct sample *sample, struct error *error)
{
    if (!read_program(sampler, sample, error))
        return false;
    if (!ended_by_exec(sample))
        return true;
    struct sample again = *sample;
    again.ledger = NULL;
    sample_release(sample);
    forget_program(sampler);
    bool done = read_program(sampler, &again, error);
    *sample = again;
    return done;
}

static bool is_alive(const struct sampler *sampler, struct task_stat *stat)
{
    if (!task_stat_read(sampler->pid, 0, stat) || stat->start_ticks != sampler->start_ticks)
        return false;
    return !task_state_is_end(stat->state) || process_exists(sampler->pid);
}

enum sample_status sampler_read(struct sampler *sampler, struct sample *sample, struct error *error)
{
    struct task_stat stat;
    struct task_status status;
    *sample = (struct sample){.pid = sampler->pid, .start_ticks = sampler->start_ticks};
    if (!is_alive(sampler, &stat) || !task_status_read(sampler->pid, 0, &status))
        return gone(sampler, error);
    memcpy(sample->name, stat.name, sizeof(sample->name));
    sample->tasks = status.threads > 0 ? (uint64_t)status.threads : 0;
    set_times(sample);
    bool done = read_latest_program(sampler, sample, error);
    if (!is_alive(sampler, &stat)) {
        if (done)
            sample_release(sample);
        return gone(sampler, error);
    }
    sample->exe = sampler->exe;
    sample->program = sampler->program;
    if (done && !is_attached(sample))
        sample->now_ns += (uint64_t)sampler->clock_ahead_ns;
    return done ? SAMPLE_OK : SAMPLE_FAILED;
}

void sample_release(struct sample *sample)
{
    thread_index_release(&sample->threads);
    ledger_close(sample->ledger);
    sample->ledger = NULL;
}

struct sampler *sampler_open(pid_t pid, struct error *error)
{
    struct task_stat stat;
    if (!task_stat_read(pid, 0, &stat) || (task_state_is_end(stat.state) && !process_exists(pid))) {
        error_set(error, "no process %d", (int)pid);
        return NULL;
    }
    struct sampler *sampler = calloc(1, sizeof(*sampler));
    if (!sampler) {
        error_set(error, "process %d: out of memory", (int)pid);
        return NULL;
    }
    sampler->pid = pid;
    sampler->start_ticks = stat.start_ticks;
    return sampler;
}

void sampler_close(struct sampler *sampler)
{
    if (!sampler)
        return;
    forget_program(sampler);
    free(sampler);
}
