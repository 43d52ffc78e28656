/* Which rule matches a thread. */
#include <stdlib.h>

#include "suppress/condition.h"

struct suppression_matcher {
    const struct suppressions *suppressions;
    struct conditions conditions;
    struct rule **candidates; /* rules whose parts match the site, or may match */
    size_t candidate_count;
};

struct suppression_matcher *suppression_matcher_new(const struct suppressions *suppressions)
{
    struct suppression_matcher *matcher = calloc(1, sizeof(*matcher));
    if (!matcher)
        return NULL;
    matcher->suppressions = suppressions;
    matcher->candidates = calloc(suppressions_rule_count(suppressions) + 1, sizeof(*matcher->candidates));
    if (matcher->candidates)
        return matcher;
    free(matcher);
    return NULL;
}

void suppression_matcher_free(struct suppression_matcher *matcher)
{
    if (!matcher)
        return;
    free(matcher->candidates);
    conditions_release(&matcher->conditions);
    free(matcher);
}

static bool rule_fits_site(const struct rule *rule, const struct suppression_site *site)
{
    for (size_t i = 0; i < rule->part_count; i++)
        if (!part_matches_site(&rule->parts[i], site))
            return false;
    return true;
}

static bool names_finding(const struct rule *rule)
{
    for (size_t i = 0; i < rule->part_count; i++)
        if (rule->parts[i].type == PART_FINDING)
            return true;
    return false;
}

bool suppressions_name_findings(const struct suppressions *suppressions)
{
    for (size_t i = 0; i < suppressions_rule_count(suppressions); i++)
        if (names_finding(suppressions->rules[i]))
            return true;
    return false;
}

static bool rule_fits_thread(struct suppression_matcher *matcher, const struct rule *rule,
                             const struct suppression_thread *thread)
{
    if (thread->finding_alone && !names_finding(rule))
        return false;
    for (size_t i = 0; i < rule->part_count; i++)
        if (!part_matches_thread(&matcher->conditions, &rule->parts[i], thread))
            return false;
    return true;
}

void suppression_matcher_site(struct suppression_matcher *matcher, const struct suppression_site *site)
{
    matcher->candidate_count = 0;
    matcher->conditions.site = *site;
    for (size_t i = 0; i < suppressions_rule_count(matcher->suppressions); i++)
        if (rule_fits_site(matcher->suppressions->rules[i], site))
            matcher->candidates[matcher->candidate_count++] = matcher->suppressions->rules[i];
}

const struct suppression_rule *suppression_matcher_find(struct suppression_matcher *matcher,
                                                        const struct suppression_thread *thread)
{
    for (size_t i = 0; i < matcher->candidate_count; i++)
        if (rule_fits_thread(matcher, matcher->candidates[i], thread))
            return &matcher->candidates[i]->shown;
    return NULL;
}

/* Do all parts match, except those of the creation stack? */
static bool rest_fits(struct suppression_matcher *matcher, const struct rule *rule,
                      const struct suppression_thread *thread)
{
    bool any = false;
    for (size_t i = 0; i < rule->part_count; i++) {
        const struct part *part = &rule->parts[i];
        if (rule_types[part->type].flags & TYPE_CREATION)
            any = true;
        else if (!part_matches_site(part, &matcher->conditions.site) ||
                 !part_matches_thread(&matcher->conditions, part, thread))
            return false;
    }
    return any;
}

bool suppression_matcher_may_find_deeper(struct suppression_matcher *matcher,
                                         const struct suppression_thread *thread)
{
    for (size_t i = 0; i < suppressions_rule_count(matcher->suppressions); i++)
        if (matcher->suppressions->rules[i]->shown.source != SUPPRESSION_BUILT_IN &&
            rest_fits(matcher, matcher->suppressions->rules[i], thread))
            return true;
    return false;
}
