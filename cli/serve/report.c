#include "cli/serve/report.h"

#include "cli/serve/processes.h"
#include "leak/build.h"
#include "ledger/ledger.h"
#include "stacks/stacks.h"

/* Not `stuck`: it copies the memory of a process, which is stopped for that time. */
#define FIND (FIND_DEFAULT & ~(1u << FINDING_STUCK))

/* Each report adds to what the symbolizer keeps, if only the addresses of processes that have ended. */
enum { REPORTS_BEFORE_RENEWAL = 100 };

struct taking {
    struct symbolizer *symbolizer;
    struct report *report;
};

/* ---- one process ---------------------------------------------------------------------------- */

static bool add_evidence(struct taking *taken, struct evidence *evidence, struct error *error)
{
    const struct verdict_rules rules = {
        .kinds = KIND_ALL, .even_without_threads = true, .find = FIND, .symbolizer = taken->symbolizer};
    return report_add(taken->report, evidence, &rules, error);
}

static bool add_opened(struct taking *taken, pid_t pid, const struct ledger *ledger, bool with_stacks,
                       struct error *error)
{
    const struct stacks_options options = {.symbolizer = taken->symbolizer, .ledger = ledger};
    struct evidence evidence;
    struct stacks *stacks = with_stacks ? stacks_take(pid, &options, error) : NULL;
    if (with_stacks && !stacks)
        return false;
    return evidence_of_process(&evidence, pid, ledger, stacks, error) &&
           add_evidence(taken, &evidence, error);
}

/* False with an error. `watched`: one that is not is left out, and this returns true. */
static bool add_process(struct taking *taken, pid_t pid, bool watched, bool with_stacks, struct error *error)
{
    struct ledger *ledger = NULL;
    symbolizer_see_as(taken->symbolizer, pid);
    enum ledger_open_status status = ledger_open_process(pid, &ledger, error);
    if (status == LEDGER_OPEN_FAILED)
        return false;
    if (status == LEDGER_OPEN_NOT_WATCHED && watched)
        return true;
    bool added = add_opened(taken, pid, ledger, with_stacks, error);
    ledger_close(ledger);
    return added;
}

static enum taken refuse(enum process_access access, pid_t pid, struct error *error)
{
    if (access == PROCESS_OF_ANOTHER_USER) {
        error_set(error, "process %d is of another user; see --all-users", (int)pid);
        return REPORT_FORBIDDEN;
    }
    error_set(error, "no process %d", (int)pid);
    return REPORT_NO_PROCESS;
}

static enum taken add_by_pid(struct taking *taken, const struct wanted_report *wanted, struct error *error)
{
    struct listed_process before, after;
    enum process_access access = process_look(wanted->pid, wanted->all_users, &before);
    if (access != PROCESS_SERVED)
        return refuse(access, wanted->pid, error);
    bool added = add_process(taken, wanted->pid, wanted->watched, wanted->stacks, error);
    access = process_look(wanted->pid, wanted->all_users, &after);
    if (access != PROCESS_SERVED || after.start != before.start)
        return refuse(access, wanted->pid, error);
    return added ? REPORT_TAKEN : REPORT_FAILED;
}

/* ---- all -------------------------------------------------------------------------------------- */

static enum taken add_all(struct taking *taken, const struct wanted_report *wanted, struct error *error)
{
    struct listed_processes list;
    bool listed = processes_list(&list, wanted->all_users);
    struct error why;
    for (size_t i = 0; listed && i < list.count; i++)
        if (list.items[i].access == PROCESS_SERVED)
            add_process(taken, list.items[i].pid, true, wanted->stacks, &why);
    processes_release(&list);
    if (!listed)
        error_set(error, "the processes cannot be listed");
    return listed ? REPORT_TAKEN : REPORT_FAILED;
}

void report_maker_release(struct report_maker *maker)
{
    symbolizer_free(maker->symbolizer);
    *maker = (struct report_maker){.symbolizer = NULL};
}

static struct symbolizer *symbolizer_of(struct report_maker *maker)
{
    if (maker->reports++ == REPORTS_BEFORE_RENEWAL)
        report_maker_release(maker);
    if (!maker->symbolizer)
        maker->symbolizer = symbolizer_new(false);
    return maker->symbolizer;
}

enum taken report_take(struct report_maker *maker, const struct wanted_report *wanted, struct report **report,
                       struct error *error)
{
    struct taking taking = {symbolizer_of(maker), report_new()};
    enum taken result = REPORT_FAILED;
    if (!taking.symbolizer || !taking.report)
        error_set(error, "out of memory");
    else if (wanted->pid)
        result = add_by_pid(&taking, wanted, error);
    else
        result = add_all(&taking, wanted, error);
    if (result == REPORT_TAKEN)
        report_finish(taking.report);
    else
        report_free(taking.report);
    *report = taking.report;
    return result;
}
