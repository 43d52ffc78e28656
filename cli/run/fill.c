#include "cli/run/fill.h"

#include <stdlib.h>

#include "base/shim.h"
#include "cli/run/tree.h"
#include "ledger/ledger.h"
#include "proc/process.h"

static void read_options(const struct run_options *given, const struct ledger *ledger,
                         struct options *options)
{
    const char *environment = ledger_options_text(ledger, LEDGER_OPTIONS_ENVIRONMENT);
    options_defaults(options);
    options_parse(options, ledger_options_text(ledger, LEDGER_OPTIONS_DEFAULT), NULL, NULL);
    options_parse(options, *environment ? environment : getenv("THREADLEAK_OPTIONS"), NULL, NULL);
    options_parse(options, given->text, NULL, NULL);
    options_parse(options, ledger_options_text(ledger, LEDGER_OPTIONS_SET), NULL, NULL);
}

/*
 * The values of report= and judge= that the process itself used, so that `run` judges it as the process
 * would. Later ones in this list have priority: the defaults that the program registers, the
 * THREADLEAK_OPTIONS that it found (if none: those of run), run's command line, and the options that the
 * program set. A process that reaches its end judges that end by its own options.
 */
static struct verdict_rules rules_of(const struct run_judge *judge, const struct ledger *ledger)
{
    struct options options, own;
    read_options(judge->given, ledger, &options);
    ledger_options_read(ledger, &own);
    struct verdict_rules rules = {
        .kinds = options.report,
        .judge = options.judge,
        .judge_seen = own.judge & ~JUDGE_SIGNAL,
        .suppressions = judge->given->suppressions.rules,
        .all_sites = wanted_has_all_sites(&judge->given->outputs),
        .find = judge->given->findings.find,
        .symbolizer = judge->symbolizer,
    };
    unsigned judges = rules.judge_seen | (rules.judge & JUDGE_SIGNAL);
    const struct options *asked = &judge->given->options;
    rules.other_options = rules.kinds != asked->report || judges != asked->judge;
    return rules;
}

/* Whose files have the symbols. */
static bool choose_files(const struct run_ledger *item, struct symbolizer *symbolizer)
{
    symbolizer_see_as(symbolizer, item->end.alive ? item->pid : 0);
    symbolizer_unchanged_since(symbolizer,
                               item->end.alive ? 0 : ledger_get_header(item->ledger)->started_wall_ns);
    if (!item->current || !item->current->place_count)
        return true;
    symbolizer_see_as_ended(symbolizer);
    return stacks_use_places(item->current, item->ledger, symbolizer);
}

static bool add_ledger(struct report *report, struct run_ledger *item, const struct run_judge *judge,
                       struct error *error)
{
    struct evidence evidence;
    struct verdict_rules rules = rules_of(judge, item->ledger);
    struct stacks *current = item->current;
    rules.even_without_threads = item->end.alive;
    if (!choose_files(item, judge->symbolizer) || (current && !stacks_resolve(current, judge->symbolizer)))
        return error_set(error, "out of memory");
    item->current = NULL; /* the report owns it now */
    /* In another pid namespace its pid in the ledger is that of another process here. */
    bool read = item->end.alive && item->pid != ledger_get_header(item->ledger)->pid
                    ? evidence_of_process(&evidence, item->pid, item->ledger, current, error)
                    : evidence_of_ledger(&evidence, item->ledger, &item->end, current, error);
    if (read && rules.all_sites)
        evidence_measure(&evidence);
    return read && report_add(report, &evidence, &rules, error);
}

/* Those that have ended meanwhile are left out. */
static void add_idle(struct report *report, const struct run_ledgers *ledgers)
{
    struct error ignored;
    struct evidence evidence;
    for (size_t i = 0; i < ledgers->idle_count; i++) {
        if (!evidence_of_process(&evidence, ledgers->idle[i], NULL, NULL, &ignored))
            continue;
        if (process_maps_file(ledgers->idle[i], SHIM_NAME))
            report_add(report, &evidence, NULL, &ignored);
        else
            evidence_release(&evidence);
    }
}

bool run_fill_ledgers(struct report *report, struct run_ledgers *ledgers, const struct run_judge *judge,
                      struct error *error)
{
    for (size_t i = 0; i < ledgers->count; i++)
        if (!add_ledger(report, &ledgers->items[i], judge, error))
            return false;
    add_idle(report, ledgers);
    return true;
}

/* A process that has ended meanwhile has no stacks; then only its ledger is reported. */
static struct stacks *current_stacks(pid_t pid, const struct ledger *ledger, const struct run_judge *judge)
{
    const struct stacks_options options = {
        .symbolizer = judge->symbolizer,
        .ledger = ledger,
        .holds = judge->holds,
        .reach = finding_reach(judge->given->findings.find, REACH_AVAILABLE),
    };
    struct error ignored;
    symbolizer_see_as(judge->symbolizer, pid);
    return stacks_take(pid, &options, &ignored);
}

static void add_unwatched(struct report *report, pid_t pid, const struct run_judge *judge)
{
    struct error ignored;
    struct evidence evidence;
    const struct verdict_rules rules = {.find = judge->given->findings.find, .symbolizer = judge->symbolizer};
    struct stacks *current = current_stacks(pid, NULL, judge);
    if (current && evidence_of_process(&evidence, pid, NULL, current, &ignored))
        report_add(report, &evidence, &rules, &ignored);
}

bool run_fill_alive(struct report *report, struct run_ledgers *ledgers, pid_t root, const char *directory,
                    const struct run_judge *judge, struct error *error)
{
    struct run_tree tree;
    for (size_t i = 0; i < ledgers->count; i++) {
        struct run_ledger *item = &ledgers->items[i];
        if (item->end.alive && !item->current)
            item->current = current_stacks(item->pid, item->ledger, judge);
        if (!add_ledger(report, item, judge, error))
            return false;
    }
    if (!run_tree_scan(&tree, root, directory))
        return true;
    for (size_t i = 0; i < tree.count; i++)
        if (!run_ledgers_have_alive(ledgers, tree.items[i].pid))
            add_unwatched(report, tree.items[i].pid, judge);
    run_tree_release(&tree);
    return true;
}
