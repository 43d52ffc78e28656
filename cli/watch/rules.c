#include "cli/watch/rules.h"

#include "find/find.h"

bool watch_rules_begin(struct watch_rules *rules, const struct suppressions *given, const char *exe)
{
    *rules = (struct watch_rules){.exe = exe};
    if (!suppressions_rule_count(given))
        return true;
    rules->matchers[0] = suppression_matcher_new(given);
    return rules->matchers[0];
}

static void forget_program(struct watch_rules *rules)
{
    suppression_matcher_free(rules->matchers[1]);
    suppressions_free(rules->program);
    rules->matchers[1] = NULL;
    rules->program = NULL;
}

void watch_rules_release(struct watch_rules *rules)
{
    forget_program(rules);
    suppression_matcher_free(rules->matchers[0]);
    *rules = (struct watch_rules){.exe = NULL};
}

/* Wrong rules are not used; `report` prints what is wrong. */
bool watch_rules_read(struct watch_rules *rules, const struct sample *sample)
{
    struct error ignored;
    uint32_t text = sample->ledger ? atomic_load(&ledger_get_header(sample->ledger)->rules) : 0;
    if (text == rules->program_text)
        return false;
    forget_program(rules);
    rules->program_text = text;
    rules->program = suppressions_new();
    if (rules->program && suppressions_load_text(rules->program, ledger_get_string(sample->ledger, text),
                                                 "rules of the program", &ignored))
        rules->matchers[1] = suppression_matcher_new(rules->program);
    return true;
}

const char *watch_rule(const struct watch_rules *rules, const struct site_count *item, unsigned kind)
{
    const struct suppression_rule *rule = NULL;
    for (int i = 0; i < WATCH_MATCHERS && !rule; i++)
        if (rules->matchers[i])
            rule = site_rule(rules->matchers[i], item, kind, rules->exe, 1u << FINDING_GROWING);
    return rule ? rule->label : NULL;
}
