#include "cli/run/judge.h"

#include <stdlib.h>

#include "ledger/ledger.h"

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

struct verdict_rules run_judge_rules(const struct run_judge *judge, const struct ledger *ledger)
{
    struct options options, own;
    read_options(judge->given, ledger, &options);
    ledger_options_read(ledger, &own);
    struct verdict_rules rules = {
        .kinds = options.report,
        .judge = options.judge,
        .judge_seen = own.judge & ~JUDGE_SIGNAL,
        .suppressions = judge->given->suppressions.rules,
        .symbolizer = judge->symbolizer,
    };
    unsigned judges = rules.judge_seen | (rules.judge & JUDGE_SIGNAL);
    const struct options *asked = &judge->given->options;
    rules.other_options = rules.kinds != asked->report || judges != asked->judge;
    return rules;
}
