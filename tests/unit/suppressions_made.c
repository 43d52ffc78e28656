#include "suppressions_made.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/options.h"
#include "suite.h"

struct suppressions *suppressions;
char path[64];
struct error error;

void ignore_setup(void)
{
    suppressions = suppressions_new();
    ck_assert_ptr_nonnull(suppressions);
    char directory[48];
    scratch_directory(directory, sizeof(directory));
    snprintf(path, sizeof(path), "%s/rules", directory);
    error.text[0] = '\0';
}

void ignore_teardown(void)
{
    suppressions_free(suppressions);
}

void write_file(const char *name, const char *bytes, size_t length)
{
    FILE *file = fopen(name, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

void load(const char *text)
{
    write_file(path, text, strlen(text));
    ck_assert_msg(suppressions_load(suppressions, path, &error), "%s", error.text);
}

/* The error, without the file that it begins with. */
void load_fails(const char *bytes, size_t length, const char *expected)
{
    size_t before = suppressions_rule_count(suppressions);
    write_file(path, bytes, length);
    error.text[0] = '\0';
    ck_assert_msg(!suppressions_load(suppressions, path, &error), "'%s' was loaded", bytes);
    ck_assert_msg(strncmp(error.text, path, strlen(path)) == 0, "%s", error.text);
    ck_assert_str_eq(error.text + strlen(path), expected);
    ck_assert_uint_eq(suppressions_rule_count(suppressions), before);
}

/* ---- threads to match ------------------------------------------------------------------- */

struct suppression_site site;
struct suppression_thread thread;

const char *match(void)
{
    struct suppression_matcher *matcher = suppression_matcher_new(suppressions);
    ck_assert_ptr_nonnull(matcher);
    suppression_matcher_site(matcher, &site);
    const struct suppression_rule *rule = suppression_matcher_find(matcher, &thread);
    ck_assert_ptr_eq(suppression_matcher_find(matcher, &thread), rule); /* what is remembered is the same */
    suppression_matcher_free(matcher);
    return rule ? rule->text : NULL;
}

/* One rule alone: does it match the thread? */
bool matches(const char *rule)
{
    struct suppressions *others = suppressions;
    suppressions = suppressions_new();
    ck_assert_msg(suppressions_load_text(suppressions, rule, "test", &error), "%s", error.text);
    ck_assert_uint_eq(suppressions_rule_count(suppressions), 1);
    const char *matched = match();
    bool same = matched && strcmp(matched, rule) == 0;
    ck_assert(same || !matched);
    suppressions_free(suppressions);
    suppressions = others;
    return same;
}

const char *match_function(const char *function)
{
    const struct frame frame = {.function = function};
    site = (struct suppression_site){.stack = &frame, .stack_count = 1, .kind = KIND_RUNNING};
    const char *rule = match();
    site.stack_count = 0;
    return rule;
}

/* As a program has them: the user's frames, a library's, libc's. */
const struct frame creation[] = {
    {.function = "pool_start", .file = "/src/pool.c", .module = "/usr/lib/libpool.so.1"},
    {.function = "operator new(unsigned long)", .module = "/usr/bin/app"},
    {.module = "/usr/lib/libnameless.so", .offset = 0x10},
    {.function = "main", .file = "/src/main.c", .module = "/usr/bin/app"},
    {.function = "__libc_start_call_main", .module = "/lib/libc.so.6", .runtime = true},
    {.function = "__libc_start_main", .module = "/lib/libc.so.6", .runtime = true},
    {.function = "_start", .module = "/usr/bin/app", .runtime = true},
};
const struct frame start = {
    .function = "worker", .file = "/src/pool.c", .module = "/usr/lib/libpool.so.1", .offset = 0x1234};
const struct frame current[] = {
    {.function = "__futex_abstimed_wait", .module = "/lib/libc.so.6", .runtime = true},
    {.function = "wait_common", .module = "/lib/libc.so.6", .runtime = true},
    {.function = "pthread_cond_wait", .module = "/lib/libc.so.6", .runtime = true},
    {.function = "wait_for_job", .module = "/usr/bin/app"},
    {.function = "worker", .module = "/usr/bin/app"},
    {.function = "start_thread", .module = "/lib/libc.so.6", .runtime = true},
    {.function = "clone3", .module = "/lib/libc.so.6", .runtime = true},
};

void whole_thread(void)
{
    site = (struct suppression_site){.stack = creation,
                                     .stack_count = 7,
                                     .start = &start,
                                     .kind = KIND_RUNNING,
                                     .process = "/usr/bin/app",
                                     .test = "Pool.Starts",
                                     .ran = "Pool.Ends"};
    thread = (struct suppression_thread){
        .name = "io 1", .current = current, .current_count = 7, .waiting = WAIT_CONDVAR};
}
