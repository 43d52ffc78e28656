#include "cli/run/timeout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/common/cli.h"
#include "cli/run/tree.h"

bool run_timeout_parse(const char *text, double *seconds)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"", 1}, {"s", 1}, {"ms", 0.001}, {"m", 60}, {"h", 3600}};
    char *end;
    if (strspn(text, "0123456789.") == 0) /* strtod takes more than that */
        return false;
    double value = strtod(text, &end);
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        *seconds = value * units[i].seconds;
        if (strcmp(end, units[i].unit) == 0)
            return isfinite(*seconds) && *seconds > 0 && *seconds < 1e8;
    }
    return false;
}

/* One that ends meanwhile is left as its ledger has it. */
static bool add_watched(struct report *report, struct run_ledger *item, const struct run_judge *judge,
                        struct error *error)
{
    const struct stacks_options options = {.symbolizer = judge->symbolizer, .ledger = item->ledger};
    struct error why;
    if (item->end.alive && !item->current)
        item->current = stacks_take(item->pid, &options, &why);
    item->end.current = item->current; /* given over */
    item->end.wanted = item->end.alive;
    item->current = NULL;
    const struct verdict_rules rules = run_judge_rules(judge, item->ledger);
    return report_add_ledger(report, item->ledger, &item->end, &rules, error);
}

static bool has_ledger(const struct run_ledgers *ledgers, pid_t pid)
{
    for (size_t i = 0; i < ledgers->count; i++)
        if (ledgers->items[i].pid == pid && ledgers->items[i].end.alive)
            return true;
    return false;
}

static void add_unwatched(struct report *report, pid_t pid, const struct run_judge *judge)
{
    const struct stacks_options options = {.symbolizer = judge->symbolizer};
    struct error why;
    struct stacks *current = stacks_take(pid, &options, &why);
    if (current)
        report_add_unwatched(report, pid, current, &why);
}

bool run_timeout_fill(struct report *report, struct run_ledgers *ledgers, pid_t root, const char *directory,
                      const struct run_judge *judge, struct error *error)
{
    struct run_tree tree;
    for (size_t i = 0; i < ledgers->count; i++)
        if (!add_watched(report, &ledgers->items[i], judge, error))
            return false;
    if (!run_tree_scan(&tree, root, directory))
        return true;
    for (size_t i = 0; i < tree.count; i++)
        if (!has_ledger(ledgers, tree.items[i].pid))
            add_unwatched(report, tree.items[i].pid, judge);
    run_tree_release(&tree);
    return true;
}
