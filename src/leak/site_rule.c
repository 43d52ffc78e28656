#include "leak/site_rule.h"

#include "leak/model.h"

const struct suppression_rule *site_rule(struct suppression_matcher *matcher, const struct site_count *item,
                                         unsigned kind, const char *exe, unsigned findings)
{
    const struct suppression_site site = {.stack = item->place->stack,
                                          .stack_count = item->place->stack_count,
                                          .start = item->place->start_routine,
                                          .kind = kind,
                                          .process = exe};
    const struct suppression_thread thread = {.findings = findings};
    suppression_matcher_site(matcher, &site);
    return suppression_matcher_find(matcher, &thread);
}
