#include "evidence/evidence.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/text.h"
#include "core/core.h"
#include "evidence/blind_spots.h"
#include "evidence/unseen.h"
#include "evidence/moment.h"
#include "evidence/untracked_find.h"
#include "proc/clocks.h"
#include "proc/file.h"
#include "proc/process.h"
#include "proc/replaced.h"
#include "proc/status.h"

/* One block, as from process_argv. The ledger has the strings one after the other, too. */
static char **copy_argv(const struct ledger *ledger)
{
    const struct ledger_header *header = ledger_get_header(ledger);
    uint32_t argc = header->argc, size = 0;
    for (uint32_t i = 0; i < argc; i++)
        size += (uint32_t)strlen(ledger_get_string(ledger, header->argv + size)) + 1;
    char **argv = argc ? malloc((argc + 1) * sizeof(*argv) + size) : NULL;
    if (!argv)
        return NULL;
    char *next = memcpy(argv + argc + 1, ledger_get_string(ledger, header->argv), size);
    for (uint32_t i = 0; i < argc; i++, next += strlen(next) + 1)
        argv[i] = next;
    argv[argc] = NULL;
    return argv;
}

/* dirname(argv[0]) puts a NUL before the name of the program, which then looks like another argument. */
static void undo_dirname(char **argv, const char *exe)
{
    const char *name = exe ? strrchr(exe, '/') : NULL;
    if (!argv || !argv[0] || !argv[1] || !name || strcmp(argv[1], name + 1) != 0)
        return;
    char *end = argv[0] + strlen(argv[0]);
    const char *slash = strrchr(argv[0], '/');
    if (end + 1 != argv[1] || strcmp(slash ? slash + 1 : argv[0], name + 1) == 0)
        return;
    *end = '/';
    for (size_t i = 1; argv[i]; i++)
        argv[i] = argv[i + 1];
}

bool evidence_is_abort(const struct evidence *evidence)
{
    const struct ledger_header *header = evidence->ledger ? ledger_get_header(evidence->ledger) : NULL;
    const struct process_end *end = &evidence->end;
    if (!header || !header->abort.tid)
        return false;
    if (header->end != LEDGER_END_NONE)
        return header->abort.ended;
    if (end->alive || evidence->core)
        return header->abort.ongoing || evidence->core;
    return !end->known || (WIFSIGNALED(end->wait_status) && fault_name((uint32_t)WTERMSIG(end->wait_status)));
}

/* The stacks of an abort after which the program continued are not those of its end. */
static void drop_old_stacks(struct evidence *evidence, const struct ledger_header *header)
{
    struct stacks *stacks = evidence->stacks;
    bool old = stacks && header->abort.tid && !evidence->end.alive && !evidence_is_abort(evidence) &&
               (header->end == LEDGER_END_NONE || stacks->moment_ns < header->end_ns);
    if (!old)
        return;
    stacks_free(stacks);
    evidence->stacks = NULL;
}

static bool read_ledger(struct evidence *evidence, const struct ledger *ledger)
{
    const struct ledger_header *header = ledger_get_header(ledger);
    const char *exe = ledger_get_string(ledger, header->exe);
    evidence->ledger = ledger;
    evidence->parent_pid = header->ppid;
    evidence->exe = *exe ? strdup(exe) : NULL;
    evidence->argv = copy_argv(ledger);
    undo_dirname(evidence->argv, evidence->exe);
    /* At an end: the time when the end began, without the time that it takes. */
    bool ended = header->end != LEDGER_END_NONE;
    drop_old_stacks(evidence, header);
    uint64_t moment = evidence->stacks ? evidence->stacks->moment_ns : 0;
    evidence->now_ns = ended                         ? header->end_ns
                       : evidence_is_abort(evidence) ? header->abort.ns
                       : !evidence->end.alive        ? header->end_began_ns
                       : moment                      ? moment
                                                     : process_now_ns(evidence->pid);
    return thread_index_read(&evidence->threads, ledger);
}

/* The tasks that were read with the stacks, before the stop, are exactly those that have a stack. */
static bool read_tasks(struct evidence *evidence)
{
    if (!evidence->stacks || !evidence->stacks->tasks.count)
        return process_tasks(evidence->pid, &evidence->tasks);
    evidence->tasks = evidence->stacks->tasks;
    evidence->stacks->tasks = (struct task_list){NULL, 0};
    return true;
}

static bool fail(struct evidence *evidence, struct error *error)
{
    error_set(error, "out of memory");
    evidence_release(evidence);
    return false;
}

/* A title that the program set itself: not the beginning of argv[0], which a program gets when it splits that
 * in place. */
static bool is_title(char *const *now, char *const *began)
{
    return now && (!began || !began[0] || strncmp(began[0], now[0], strlen(now[0])) != 0);
}

/* A program may have set another title since it began. ps shows that one. */
static void use_new_title(struct evidence *evidence)
{
    char **now = evidence->end.alive ? process_argv(evidence->pid) : NULL;
    if (!now && evidence->stacks) {
        now = evidence->stacks->argv;
        evidence->stacks->argv = NULL;
    }
    bool is_new = is_title(now, evidence->argv);
    free(is_new ? evidence->argv : now);
    if (is_new)
        evidence->argv = now;
}

static void find_replaced(struct evidence *evidence)
{
    if (evidence->end.alive)
        evidence->replaced = process_replaced_files(evidence->pid);
    if (evidence->replaced || !evidence->stacks)
        return;
    evidence->replaced = evidence->stacks->replaced;
    evidence->stacks->replaced = NULL;
}

static bool of_watched(struct evidence *evidence, const struct ledger *ledger, struct error *error)
{
    bool done = read_ledger(evidence, ledger);
    evidence->blind_spots = blind_spots_find(evidence->end.alive ? evidence->pid : 0, ledger);
    find_replaced(evidence);
    use_new_title(evidence);
    if (done && evidence->end.alive)
        unseen_in_process(&evidence->threads, evidence->pid, ledger_get_header(ledger));
    /* A ledger in a file can be of a process in another pid namespace that was not found. */
    if (done && evidence->end.alive && ledger_has_tids_here(ledger, evidence->pid) && read_tasks(evidence))
        done = untracked_find(evidence);
    if (!done)
        return fail(evidence, error);
    moment_align(evidence);
    return true;
}

#define SHIM "libthreadleak.so"

/* With follow=0 a forked child has the shim of its parent, and is not watched. */
static bool is_unwatched_child(pid_t pid)
{
    static const char name[] = "THREADLEAK_OPTIONS=";
    const size_t room = 65536;
    struct options options;
    char *text = malloc(room);
    ssize_t size = text ? proc_read(PROC_PATH("%d/environ", pid), text, room) : -1;
    const char *found = size > 0 ? memmem(text, (size_t)size, name, sizeof(name) - 1) : NULL;
    options_defaults(&options);
    if (found)
        options_parse(&options, found + sizeof(name) - 1, NULL, NULL);
    free(text);
    return !options.follow && process_maps_file(process_parent(pid), SHIM);
}

/* The ledger begins with the first creation. A forked child in a sandbox has none for another reason. */
static bool has_shim(pid_t pid)
{
    struct task_status status;
    return process_maps_file(pid, SHIM) && task_status_read(pid, 0, &status) && status.seccomp == 0 &&
           !is_unwatched_child(pid);
}

bool evidence_of_process(struct evidence *evidence, pid_t pid, const struct ledger *ledger,
                         struct stacks *stacks, struct error *error)
{
    *evidence = (struct evidence){.pid = pid, .end.alive = true, .stacks = stacks};
    if (ledger)
        return of_watched(evidence, ledger, error);
    if (read_tasks(evidence)) {
        evidence->parent_pid = process_parent(pid);
        evidence->exe = process_exe(pid);
        evidence->argv = process_argv(pid);
        undo_dirname(evidence->argv, evidence->exe);
        evidence->has_shim = has_shim(pid);
        evidence->blind_spots = blind_spots_find(pid, NULL);
        find_replaced(evidence);
        return untracked_find(evidence) || fail(evidence, error);
    }
    error_set(error, "no process %d", (int)pid);
    evidence_release(evidence);
    return false;
}

bool evidence_of_ledger(struct evidence *evidence, const struct ledger *ledger, const struct process_end *end,
                        struct stacks *stacks, struct error *error)
{
    *evidence = (struct evidence){.pid = ledger_get_header(ledger)->pid, .end = *end, .stacks = stacks};
    return of_watched(evidence, ledger, error);
}

bool evidence_of_core(struct evidence *evidence, const struct core_file *core, const struct ledger *ledger,
                      struct stacks *stacks, struct error *error)
{
    *evidence = (struct evidence){.pid = core->pid,
                                  .end = {.known = core->signal != 0, .wait_status = core->signal},
                                  .core = true,
                                  .crashed = core->crashed,
                                  .stacks = stacks};
    if (ledger && !of_watched(evidence, ledger, error))
        return false;
    if (ledger) {
        unseen_in_core(&evidence->threads, core, ledger_get_header(ledger));
        return true;
    }
    evidence->parent_pid = core->parent_pid;
    evidence->exe = *core->command ? strdup(core->command) : NULL;
    return true;
}

void evidence_measure(struct evidence *evidence)
{
    if (evidence->end.alive)
        evidence->measures = measures_read(evidence->pid, evidence->ledger ? &evidence->threads : NULL);
}

void evidence_release(struct evidence *evidence)
{
    thread_index_release(&evidence->threads);
    free(evidence->exe);
    free(evidence->argv);
    blind_spots_free(evidence->blind_spots);
    strings_free(evidence->replaced);
    stacks_free(evidence->stacks);
    free(evidence->measures);
    task_list_release(&evidence->tasks);
    task_list_release(&evidence->untracked);
    *evidence = (struct evidence){.pid = 0};
}
