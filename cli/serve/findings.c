#include "cli/serve/findings.h"

#include "cli/serve/processes.h"

static bool is_pending(const sigset_t *signals)
{
    sigset_t pending;
    sigpending(&pending);
    for (int number = 1; number < NSIG; number++)
        if (sigismember(signals, number) == 1 && sigismember(&pending, number) == 1)
            return true;
    return false;
}

static void read_findings(struct serving *serving, pid_t pid)
{
    const struct wanted_report wanted = {
        .pid = pid, .all_users = serving->options->all_users, .stacks = true, .watched = true};
    struct report *report;
    struct error ignored;
    pthread_mutex_lock(&serving->turn);
    if (report_take(&serving->maker, &wanted, &report, &ignored) == REPORT_TAKEN) {
        fleet_keep_findings(serving->fleet, report);
        report_free(report);
    }
    pthread_mutex_unlock(&serving->turn);
}

void serve_read_findings(struct serving *serving, const sigset_t *until)
{
    struct listed_processes list;
    bool listed = processes_list(&list, serving->options->all_users);
    for (size_t i = 0; listed && i < list.count && !is_pending(until); i++)
        if (list.items[i].access == PROCESS_SERVED)
            read_findings(serving, list.items[i].pid);
    processes_release(&list);
}
