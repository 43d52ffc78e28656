/* The built-in rules match only the threads that they are about. */
#include <stdlib.h>
#include <string.h>

#include "suppressions_made.h"
#include "suite.h"
#include "common/options.h"

START_TEST(the_built_in_ones_are_rules)
{
    ck_assert_msg(suppressions_load_built_in(suppressions, &error), "%s", error.text);
    ck_assert_uint_gt(suppressions_rule_count(suppressions), 0);
    for (size_t i = 0; i < suppressions_rule_count(suppressions); i++) {
        const struct suppression_rule *rule = suppressions_rule_at(suppressions, i);
        ck_assert_int_eq(strncmp(rule->label, "built in: ", 10), 0);
        ck_assert_str_eq(rule->origin, "built in");
        ck_assert_int_eq(rule->source, SUPPRESSION_BUILT_IN);
    }
    whole_thread();
    ck_assert_ptr_null(match());
}
END_TEST

/* Threads of libraries as they were seen, and the user's own beside them. */
static const struct {
    struct frame start, creation, top;
    const char *name, *label; /* label NULL: not ignored */
    enum wait_on waiting;
} library_threads[] = {
    {.start = {.module = "/usr/lib/libgomp.so.1.0.0", .offset = 0x1cc40}, .label = "OpenMP's pool"},
    {.start = {.function = "gomp_thread_start", .module = "/app"}, .label = "OpenMP's pool"},
    {.start = {.function = "my_gomp_thread_start", .module = "/app"}},
    {.start = {.function = "stay", .module = "/app"},
     .creation = {.function = "GOMP_parallel", .module = "/usr/lib/libgomp.so.1"}},
    {.start = {.module = "/usr/lib/libomp.so.5", .offset = 0x10}, .label = "OpenMP's pool"},
    {.start = {.module = "/usr/lib/libompanion.so.5", .offset = 0x10}},
    {.start = {.module = "/usr/lib/libglib-2.0.so.0", .offset = 0x10}, .name = "gmain", .label = "GLib"},
    {.start = {.module = "/usr/lib/libglib-2.0.so.0", .offset = 0x10}, .name = "gdbus", .label = "GDBus"},
    {.start = {.function = "g_thread_proxy", .module = "/lib/libglib-2.0.so.0"},
     .name = "gmain",
     .label = "GLib"},
    {.start = {.module = "/usr/lib/libglib-2.0.so.0", .offset = 0x10}, .name = "mine"},
    {.start = {.module = "/usr/lib/libglib-2.0.so.0", .offset = 0x10}, .name = "gmain2"},
    {.start = {.module = "/usr/lib/libglib-2.0.so.0", .offset = 0x10}},
    {.start = {.function = "mine", .module = "/app"}, .name = "gmain"},
    {.start = {.module = "/usr/lib/libjemalloc.so.2", .offset = 0x39c30}, .label = "jemalloc"},
    {.start = {.function = "background_thread_entry", .module = "/app"},
     .name = "jemalloc_bg_thd",
     .label = "jemalloc"},
    {.start = {.function = "background_thread_entry", .module = "/app"}, .name = "app"},
    {.start = {.function = "__tsan::BackgroundThread(void*)", .module = "/app"}, .label = "a sanitizer"},
    {.start = {.function = "not__tsan::f", .module = "/app"}},
    {.start = {.module = "/lib/libuv.so.1", .offset = 0xad10},
     .creation = {.function = "uv_once", .module = "/lib/libuv.so.1"},
     .top = {.function = "uv_cond_wait", .module = "/lib/libuv.so.1"},
     .waiting = WAIT_CONDVAR,
     .label = "libuv's pool"},
    {.start = {.module = "/lib/libuv.so.1", .offset = 0xad10},
     .creation = {.function = "uv_once", .module = "/lib/libuv.so.1"},
     .top = {.function = "callback", .module = "/app"},
     .waiting = WAIT_CONDVAR},
    {.start = {.module = "/lib/libuv.so.1", .offset = 0xad10},
     .creation = {.function = "uv_once", .module = "/lib/libuv.so.1"}},
    {.start = {.function = "mine", .module = "/app"},
     .creation = {.function = "uv_once", .module = "/lib/libuv.so.1"},
     .top = {.function = "uv_cond_wait", .module = "/lib/libuv.so.1"},
     .waiting = WAIT_CONDVAR},
    /* libc's own functions as start routines are the user's choice */
    {.start = {.function = "pause", .module = "/lib/libc.so.6"}},
};

START_TEST(the_built_in_ones_are_narrow)
{
    ck_assert_msg(suppressions_load_built_in(suppressions, &error), "%s", error.text);
    bool has_top = library_threads[_i].top.function;
    site = (struct suppression_site){.stack = &library_threads[_i].creation,
                                     .stack_count = 1,
                                     .start = &library_threads[_i].start,
                                     .kind = KIND_RUNNING};
    thread = (struct suppression_thread){.name = library_threads[_i].name,
                                         .current = has_top ? &library_threads[_i].top : NULL,
                                         .current_count = has_top,
                                         .waiting = library_threads[_i].waiting};
    const char *rule = match(), *label = NULL;
    for (size_t i = 0; rule && i < suppressions_rule_count(suppressions) && !label; i++)
        if (strcmp(suppressions_rule_at(suppressions, i)->text, rule) == 0)
            label = suppressions_rule_at(suppressions, i)->label + strlen(SUPPRESSION_BUILT_IN_LABEL);
    if (library_threads[_i].label)
        ck_assert_pstr_eq(label, library_threads[_i].label);
    else
        ck_assert_msg(!rule, "%s", rule);
}
END_TEST

/* GLib's pool, with the names from the symbolizer, leaf first and without frames of libc. */
#define GLIB "/lib/libglib-2.0.so.0"
#define INSIDE                                             \
    {                                                      \
        .module = GLIB, .offset = 0x7f702, .runtime = true \
    }
#define CALL(name)                         \
    {                                      \
        .function = (name), .module = GLIB \
    }
#define USERS                                \
    {                                        \
        .function = "work", .module = "/app" \
    }
static const struct {
    const char *made_by, *name;
    struct frame current[6];
    bool cut, idle;
} glib_threads[] = {
    {.made_by = "g_thread_pool_push",
     .name = "pool",
     .current = {CALL("g_cond_wait_until"), INSIDE, INSIDE, INSIDE},
     .idle = true},
    {.made_by = "g_thread_pool_new_full",
     .name = "pool-app",
     .current = {CALL("g_cond_wait_until"), INSIDE, CALL("g_async_queue_timeout_pop"), INSIDE, INSIDE},
     .idle = true},
    {.made_by = "g_thread_pool_push",
     .name = "renamed",
     .current = {CALL("g_cond_wait_until"), CALL("g_async_queue_timeout_pop_unlocked"), INSIDE},
     .idle = true},
    {.made_by = "g_thread_pool_push",
     .name = "pool",
     .current = {CALL("g_cond_wait_until"), CALL("g_async_queue_pop_intern_unlocked"), INSIDE},
     .idle = true},
    {.made_by = "g_thread_try_new",
     .name = "pool-app",
     .current = {CALL("g_cond_wait_until"), INSIDE, INSIDE},
     .idle = true},
    {.made_by = "g_thread_try_new",
     .name = "pool-app",
     .current = {CALL("g_cond_wait_until"), CALL("g_async_queue_timeout_pop"), INSIDE},
     .idle = true},
    {.made_by = "g_thread_new",
     .name = "pool-spawner",
     .current = {CALL("g_cond_wait"), INSIDE},
     .idle = true},
    /* In the user's function. */
    {.made_by = "g_thread_pool_push", .name = "pool", .current = {CALL("g_cond_wait_until"), USERS, INSIDE}},
    {.made_by = "g_thread_pool_push",
     .name = "pool",
     .current = {CALL("g_cond_wait_until"), INSIDE, CALL("g_async_queue_timeout_pop"), USERS, INSIDE}},
    {.made_by = "g_thread_pool_push", .name = "pool", .current = {CALL("g_usleep"), USERS, INSIDE}},
    {.made_by = "g_thread_pool_push",
     .name = "pool",
     .current = {CALL("g_cond_wait_until"), {.module = "/app", .offset = 7}, INSIDE}},
    {.made_by = "g_thread_pool_push", .name = "pool", .current = {CALL("g_main_loop_run"), INSIDE}},
    /* An exclusive pool that was not freed. */
    {.made_by = "g_thread_pool_new_full", .name = "pool", .current = {CALL("g_cond_wait"), INSIDE, INSIDE}},
    {.made_by = "g_thread_pool_new_full",
     .name = "pool",
     .current = {CALL("g_cond_wait"), CALL("g_async_queue_pop_intern_unlocked"), INSIDE}},
    /* A thread of the user's own, whose function left by a jump. */
    {.made_by = "g_thread_new",
     .name = "pool",
     .current = {CALL("g_cond_wait_until"), CALL("g_async_queue_timeout_pop"), INSIDE}},
    {.made_by = "g_thread_try_new",
     .name = "mine",
     .current = {CALL("g_cond_wait_until"), CALL("g_async_queue_timeout_pop"), INSIDE}},
    /* Who knows what is below. */
    {.made_by = "g_thread_pool_push",
     .name = "pool",
     .current = {CALL("g_cond_wait_until"), INSIDE},
     .cut = true},
    {.made_by = "g_thread_pool_push", .name = "pool", .current = {{0}}},
};

START_TEST(glibs_pool_is_its_own_where_it_is_idle)
{
    const struct frame made_in = {.function = glib_threads[_i].made_by, .module = GLIB, .runtime = true};
    const struct frame proxy = {.module = GLIB, .offset = 0xa88b0, .runtime = true};
    const struct frame *stack = glib_threads[_i].current;
    size_t count = 0;
    while (stack[count].module)
        count++;
    ck_assert_msg(suppressions_load_built_in(suppressions, &error), "%s", error.text);
    site =
        (struct suppression_site){.stack = &made_in, .stack_count = 1, .start = &proxy, .kind = KIND_RUNNING};
    thread = (struct suppression_thread){.name = glib_threads[_i].name,
                                         .current = count ? stack : NULL,
                                         .current_count = count,
                                         .current_whole = count && !glib_threads[_i].cut};
    const char *rule = match();
    ck_assert_msg(glib_threads[_i].idle == (rule != NULL), "%s", rule ? rule : "no rule");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("ignore_builtin");
    tcase_add_checked_fixture(tests, ignore_setup, ignore_teardown);
    tcase_add_test(tests, the_built_in_ones_are_rules);
    tcase_add_loop_test(tests, glibs_pool_is_its_own_where_it_is_idle, 0,
                        sizeof(glib_threads) / sizeof(*glib_threads));
    tcase_add_loop_test(tests, the_built_in_ones_are_narrow, 0,
                        sizeof(library_threads) / sizeof(*library_threads));
    return suite_run("ignore_builtin", tests);
}
