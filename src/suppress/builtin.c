/*
 * Rules for threads that no user can join: libraries keep them as long as the process lives.
 *
 * They are narrow: each rule names the start routine of the library, so a user's thread that is created
 * through the library is still reported. In a library without symbols the start routine is "libx.so.1+0x…",
 * which is not the name of a function. Only the pools of libuv and GLib need a current stack, because they
 * run functions of users. Other pools must not become leaks if stacks cannot be taken.
 *
 * These need no rule, because the shim does not see them: glibc's helpers for SIGEV_THREAD timers, mq_notify,
 * POSIX aio and getaddrinfo_a (since 2.34 they call pthread_create inside of libc; none was seen with 2.36),
 * the runtime of gcc's sanitizers (12), libjemalloc.so when it is linked or preloaded behind the shim (it
 * asks dlsym).
 */
#include <stdio.h>
#include <string.h>

#include "suppress/rule.h"

static const struct {
    const char *rule, *what;
} rules[] = {
    /* The pool is kept for the next parallel region and never joined.  Verified: libgomp of gcc 12, as a
     * shared library without symbols and linked statically. */
    {"start:^libgomp.so", "OpenMP's pool"},
    {"start:^gomp_thread_start$", "OpenMP's pool"},
    /* LLVM's runtime joins its pool at exit, but not before _exit.  Verified: libomp of LLVM 14; the name is
     * from its source, not verified. */
    {"start:^libomp.so", "OpenMP's pool"},
    {"start:^__kmp_launch_worker", "OpenMP's pool"},

    /* The workers of GLib (unix signals, child watches, GTask) and GDBus, by their names: all threads of
     * GLib, also those of users, have the same start routine.  Verified: GLib 2.74, without symbols.  The
     * name that it has with symbols is from GLib's source, not verified. */
    {"start:^libglib-2.0.so name:^gmain$", "GLib"},
    {"start:^g_thread_proxy$ name:^gmain$", "GLib"},
    {"start:^libglib-2.0.so name:^gdbus$", "GDBus"},
    {"start:^g_thread_proxy$ name:^gdbus$", "GDBus"},

    /* GLib's idle threads, to which a GThreadPool or GTask returns those that it no longer needs.  GLib ends
     * them after a while, and no user can join them.  start: matches the function that the start routine
     * calls, so a thread whose user function pops a queue is reported.  A wait without a timeout
     * (g_cond_wait) is an exclusive pool that was not freed, which is reported, too.  So is the idle pool
     * after g_thread_pool_set_max_idle_time(0), whose stack is the same.  g_async_queue_timeout_pop_unlocked
     * may end in a jump; then only the function that it jumped to is in the stack.  Verified: GLib 2.74,
     * without symbols, and with them, linked statically. */
    {"thread:^g_thread_pool_ start:^g_async_queue_timeout_pop any:^g_cond_wait_until$", "GLib's pool"},
    {"thread:^g_thread_pool_ start:^g_cond_wait_until$", "GLib's pool"},
    {"thread:^g_thread_pool_ start:^g_async_queue_pop_intern_unlocked$ any:^g_cond_wait_until$",
     "GLib's pool"},
    /* If priorities of threads cannot be inherited, a thread that is never joined creates the others. Their
     * creation stacks then contain no user frame, and no g_thread_pool_ without symbols. From GLib's source,
     * not verified. */
    {"start:^libglib-2.0.so name:^pool-spawner$", "GLib's pool"},
    {"start:^g_thread_proxy$ name:^pool-spawner$", "GLib's pool"},
    {"thread:^g_thread_try_new$ name:^pool start:^g_async_queue_timeout_pop any:^g_cond_wait_until$",
     "GLib's pool"},
    {"thread:^g_thread_try_new$ name:^pool start:^g_cond_wait_until$", "GLib's pool"},

    /* background_thread:true.  Verified: jemalloc 5.3, static, and preloaded before the shim. */
    {"start:^libjemalloc.so", "jemalloc"},
    {"start:^background_thread_entry$ name:^jemalloc_bg_thd$", "jemalloc"},

    /* Verified: TSan's background thread, clang 14.  Threads of the others begin in namespaces, too; not
     * verified. */
    {"start:^__tsan::", "a sanitizer"},
    {"start:^__sanitizer::", "a sanitizer"},
    {"start:^__asan::", "a sanitizer"},
    {"start:^__lsan::", "a sanitizer"},
    {"start:^__hwasan::", "a sanitizer"},

    /* The pool of all loops. libuv 1.38 and later join it at exit, but not before _exit. A worker in a user's
     * callback is not idle, so it is reported. Verified: libuv 1.44, as a shared library and linked
     * statically. */
    {"start:^libuv.so thread:^uv_once$ top:^uv_cond_wait$ waiting:condvar", "libuv's pool"},
    {"start:^worker$ thread:^uv_once$ thread:^uv_thread_create top:^uv_cond_wait$ waiting:condvar",
     "libuv's pool"},
};

static bool add_rule(struct suppressions *suppressions, size_t number)
{
    const struct rule_text from = {rules[number].rule, strlen(rules[number].rule), "built in",
                                   SUPPRESSION_BUILT_IN};
    struct error error;
    char *label = NULL;
    if (!suppressions_add_text(suppressions, &from, &error) ||
        asprintf(&label, SUPPRESSION_BUILT_IN_LABEL "%s", rules[number].what) < 0)
        return false;
    struct suppression_rule *shown = &suppressions->rules[suppressions->count - 1]->shown;
    shown->label = label;
    shown->line = 0;
    return true;
}

bool suppressions_load_built_in(struct suppressions *suppressions, struct error *error)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
        if (!add_rule(suppressions, i))
            return error_set(error, "out of memory");
    return true;
}
