/*
 * Threads that no user could join: what libraries keep for themselves as long as the process lives.
 *
 * As narrow as it can be: each rule names the start routine, which is the library's own, so that a thread of
 * the user's that merely goes through the library is still reported.  Where a library comes without symbols
 * its start routine is "libx.so.1+0x…", which no function is called.  Only libuv's pool and GLib's need a
 * current stack, as they run what users give them: elsewhere a pool must not become a leak where stacks can
 * not be taken.
 *
 * Not here, because the shim does not see them: glibc's helpers for SIGEV_THREAD timers, mq_notify, POSIX aio
 * and getaddrinfo_a (since 2.34 they call pthread_create inside of libc; none was seen with 2.36), the
 * runtime of gcc's sanitizers (12), libjemalloc.so when it is linked or preloaded behind the shim (it asks
 * dlsym).
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
    /* LLVM's joins its pool at exit; what is left before that, or at _exit, is the same pool.  Verified:
     * libomp of LLVM 14; the name is that of its source, not seen. */
    {"start:^libomp.so", "OpenMP's pool"},
    {"start:^__kmp_launch_worker", "OpenMP's pool"},

    /* GLib's one worker (unix signals, child watches, GTask) and GDBus' one, by the names GLib gives them:
     * all its threads, the user's too, have the same start routine.  Verified: GLib 2.74, without symbols;
     * linked with symbols, by the name in GLib's source, not verified. */
    {"start:^libglib-2.0.so name:^gmain$", "GLib"},
    {"start:^g_thread_proxy$ name:^gmain$", "GLib"},
    {"start:^libglib-2.0.so name:^gdbus$", "GDBus"},
    {"start:^g_thread_proxy$ name:^gdbus$", "GDBus"},

    /* GLib's pool of idle threads (GThreadPool's, GTask's), which a GThreadPool gives back what it no longer
     * needs: it ends them after a while, and nobody can join them.  The second start: is the outermost
     * function of the current stack that makes no threads: with nothing of the user's before it, as when his
     * own function pops a queue.  What waits without a timeout (g_cond_wait) is an exclusive pool that was
     * not freed, and shown; so is the idle pool after g_thread_pool_set_max_idle_time(0), which looks the
     * same.  g_async_queue_timeout_pop_unlocked may leave by a jump, so that only what it went to is seen.
     * Verified: GLib 2.74, without symbols, and with them, linked statically. */
    {"thread:^g_thread_pool_ start:^g_async_queue_timeout_pop any:^g_cond_wait_until$", "GLib's pool"},
    {"thread:^g_thread_pool_ start:^g_cond_wait_until$", "GLib's pool"},
    {"thread:^g_thread_pool_ start:^g_async_queue_pop_intern_unlocked$ any:^g_cond_wait_until$",
     "GLib's pool"},
    /* Where threads' priorities cannot be inherited, a thread that is never joined makes them: nothing
     * of the user's is in their creation stacks then, nor any g_thread_pool_ without symbols.  By GLib's
     * source, not verified. */
    {"start:^libglib-2.0.so name:^pool-spawner$", "GLib's pool"},
    {"start:^g_thread_proxy$ name:^pool-spawner$", "GLib's pool"},
    {"thread:^g_thread_try_new$ name:^pool start:^g_async_queue_timeout_pop any:^g_cond_wait_until$",
     "GLib's pool"},
    {"thread:^g_thread_try_new$ name:^pool start:^g_cond_wait_until$", "GLib's pool"},

    /* background_thread:true.  Verified: jemalloc 5.3, static, and preloaded before the shim. */
    {"start:^libjemalloc.so", "jemalloc"},
    {"start:^background_thread_entry$ name:^jemalloc_bg_thd$", "jemalloc"},

    /* Verified: TSan's background thread, clang 14.  The others' threads begin in their own namespaces as
     * well; none was seen here. */
    {"start:^__tsan::", "a sanitizer"},
    {"start:^__sanitizer::", "a sanitizer"},
    {"start:^__asan::", "a sanitizer"},
    {"start:^__lsan::", "a sanitizer"},
    {"start:^__hwasan::", "a sanitizer"},

    /* The pool of all loops.  libuv 1.38 and later join it at exit; before that, and at _exit, it is left.  A
     * worker that is in the user's callback is not idle, and shown.  Verified: libuv 1.44, as a shared
     * library and linked statically. */
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
