/*
 * Any bytes as rules: read, matched with a thread, and each read again from its own text.  With -DFUZZ_MAIN
 * it runs over the files of its command line instead.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suppress/suppress.h"
#include "suppress/rule.h"
#include "common/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct frame creation[] = {
    {.function = "pool_start", .file = "/src/pool.c", .module = "/usr/lib/libpool.so.1"},
    {.function = "operator new(unsigned long)", .module = "/usr/bin/app"},
    {.function = "_start", .runtime = true}};
static const struct frame start = {.function = "worker", .module = "/usr/bin/app", .offset = 0x1234};
static const struct frame present[] = {{.function = "pthread_cond_wait", .runtime = true},
                                       {.function = "wait_for_job", .module = "/usr/bin/app"}};

static void match(const struct ignore *ignore)
{
    struct ignore_matcher *matcher = ignore_matcher_new(ignore);
    ignore_matcher_site(matcher, &(struct ignore_site){creation, 3, &start, KIND_RUNNING, "/usr/bin/app"});
    const struct ignore_thread thread = {"io 1", present, 2, WAIT_CONDVAR}, unknown = {.name = NULL};
    if (ignore_matcher_find(matcher, &thread) != ignore_matcher_find(matcher, &thread))
        abort();
    ignore_matcher_find(matcher, &unknown);
    ignore_matcher_free(matcher);
}

/* What is shown of a rule is that rule. */
static void read_again(const struct ignore_rule *rule, bool match_all)
{
    struct error error;
    struct ignore *ignore = ignore_new();
    ignore_allow_match_all(ignore, match_all);
    if (!ignore_load_text(ignore, rule->text, "again", &error) || ignore_count(ignore) != 1 ||
        strcmp(ignore_rule_at(ignore, 0)->text, rule->text) != 0)
        abort();
    ignore_free(ignore);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ignore *ignore = ignore_new();
    struct error error = {""};
    bool match_all = size && data[0] & 1;
    const struct ignore_source_text from = {(const char *)data, size, "rules", IGNORE_USER};
    ignore_allow_match_all(ignore, match_all);
    if (ignore_add_text(ignore, &from, &error)) {
        match(ignore);
        for (size_t i = 0; i < ignore_count(ignore); i++)
            read_again(ignore_rule_at(ignore, i), match_all);
    } else if (strncmp(error.text, "rules:", 6) != 0 || strchr(error.text, '\n') || ignore_count(ignore)) {
        abort();
    }
    ignore_free(ignore);
    return 0;
}

#ifdef FUZZ_MAIN
int main(int argc, char **argv)
{
    static uint8_t data[1 << 20];
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "re");
        if (!file)
            return 1;
        size_t size = fread(data, 1, sizeof(data), file);
        fclose(file);
        LLVMFuzzerTestOneInput(data, size);
    }
    return 0;
}
#endif
