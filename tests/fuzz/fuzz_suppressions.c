/* Any bytes as rules: read, matched with a thread, and each read again from its own text. */
#include <stdlib.h>
#include <string.h>

#include "common/options.h"
#include "fuzz.h"
#include "suppress/rule.h"
#include "suppress/suppress.h"

static const struct frame creation[] = {
    {.function = "pool_start", .file = "/src/pool.c", .module = "/usr/lib/libpool.so.1"},
    {.function = "operator new(unsigned long)", .module = "/usr/bin/app"},
    {.function = "_start", .runtime = true}};
static const struct frame start = {.function = "worker", .module = "/usr/bin/app", .offset = 0x1234};
static const struct frame current[] = {{.function = "pthread_cond_wait", .runtime = true},
                                       {.function = "wait_for_job", .module = "/usr/bin/app"}};

static void match(const struct suppressions *suppressions)
{
    struct suppression_matcher *matcher = suppression_matcher_new(suppressions);
    suppression_matcher_site(
        matcher, &(struct suppression_site){creation, 3, &start, KIND_RUNNING, "/usr/bin/app", NULL});
    const struct suppression_thread thread = {"io 1", current, 2, true, WAIT_CONDVAR},
                                    unknown = {.name = NULL};
    const struct suppression_rule *first = suppression_matcher_find(matcher, &thread);
    if (suppression_matcher_find(matcher, &thread) != first)
        abort();
    suppression_matcher_find(matcher, &unknown);
    suppression_matcher_free(matcher);
}

/* What is shown of a rule is that rule. */
static void read_again(const struct suppression_rule *rule, bool match_all)
{
    struct error error;
    struct suppressions *suppressions = suppressions_new();
    suppressions_allow_match_all(suppressions, match_all);
    if (!suppressions_load_text(suppressions, rule->text, "again", &error) ||
        suppressions_rule_count(suppressions) != 1 ||
        strcmp(suppressions_rule_at(suppressions, 0)->text, rule->text) != 0)
        abort();
    suppressions_free(suppressions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct suppressions *suppressions = suppressions_new();
    struct error error = {""};
    bool match_all = size && data[0] & 1;
    const struct rule_text from = {(const char *)data, size, "rules", SUPPRESSION_USER};
    suppressions_allow_match_all(suppressions, match_all);
    if (suppressions_add_text(suppressions, &from, &error)) {
        match(suppressions);
        for (size_t i = 0; i < suppressions_rule_count(suppressions); i++)
            read_again(suppressions_rule_at(suppressions, i), match_all);
    } else if (strncmp(error.text, "rules:", 6) != 0 || strchr(error.text, '\n') ||
               suppressions_rule_count(suppressions)) {
        abort();
    }
    suppressions_free(suppressions);
    return 0;
}
