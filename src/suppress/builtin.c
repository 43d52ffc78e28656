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

    /* ---- language runtimes: each rule names the function of the runtime that creates the thread ---- */

    /* HotSpot's own threads. JVM_StartThread creates the threads of Java programs, and those of the class
     * library. The initialisation of the VM in their creation stack, or their name in an initialiser of a
     * class, distinguishes the latter. The launcher runs main() of Java in a thread that it joins, but not
     * after System.exit(). Verified: OpenJDK 17, whose libjvm.so has symbols. */
    {"start:^thread_native_entry( thread:^WorkerManager::add_workers(", "the JVM"},
    {"start:^thread_native_entry( thread:^ConcurrentGCThread::create_and_start(", "the JVM"},
    {"start:^thread_native_entry( thread:^CompileBroker::make_thread(", "the JVM"},
    {"start:^thread_native_entry( thread:^ServiceThread::initialize(", "the JVM"},
    {"start:^thread_native_entry( thread:^MonitorDeflationThread::initialize(", "the JVM"},
    {"start:^thread_native_entry( thread:^NotificationThread::initialize(", "the JVM"},
    {"start:^thread_native_entry( thread:^os::initialize_jdk_signal_support(", "the JVM"},
    {"start:^thread_native_entry( thread:^Threads::create_vm( name:^VM Thread$", "the JVM"},
    {"start:^thread_native_entry( thread:^WatcherThread::", "the JVM"},
    {"start:^thread_native_entry( thread:^Threads::initialize_java_lang_classes(", "the JVM"},
    {"start:^thread_native_entry( thread:^InstanceKlass::call_class_initializer( name:^Common-Cleaner$",
     "the JVM"},
    {"start:^ThreadJavaMain$ thread:^CallJavaMainInNewThread$", "the JVM"},

    /* Threads that run goroutines. A thread that C code of the program creates begins elsewhere.  Verified:
     * Go 1.19 with cgo, not stripped. */
    {"start:^threadentry$ thread:^_cgo_try_pthread_create$ thread:^_cgo_sys_thread_start$", "Go"},

    /* Waits for SIGUSR1, which starts the inspector.  Verified: node 18. */
    {"start:^node::inspector::(anonymous namespace)::StartIoThreadMain thread:^node::inspector::Agent::Start",
     "node's inspector"},

    /* Lets threads take turns. It ends with the last thread of OCaml.  Verified: OCaml 4.13. */
    {"start:^caml_thread_tick$", "OCaml's tick thread"},

    /* Schedulers, dispatchers and pollers. Drivers and NIFs create threads later, when Erlang code runs.
     * Verified: Erlang/OTP 25. */
    {"thread:^ethr_thr_create$ thread:^erl_start$ process:^beam", "Erlang's BEAM"},

    /* It begins in code of Lisp, which has no name.  Verified: SBCL 2.2. */
    {"name:^finalizer$ thread:^initialize_lisp$", "SBCL's finalizer"},

    /* Threads of users that are created through libgc begin in the library, too, but do not have that name.
     * Verified: libgc 8.2, without symbols; the name of the start routine is from its source. */
    {"start:^libgc.so name:^GC-marker-", "libgc's markers"},
    {"start:^GC_mark_thread$ name:^GC-marker-", "libgc's markers"},

    /* Runs the callbacks of call_rcu().  Verified: liburcu 0.13, as a shared library without symbols; the
     * name of the start routine is from its source. */
    {"start:^liburcu*.so. thread:^urcu_*call_rcu", "liburcu"},
    {"start:^call_rcu_thread$ thread:^urcu_*call_rcu", "liburcu"},

    /* Verified: dconf 0.40 with GLib 2.74, without symbols. */
    {"start:^libglib-2.0.so name:^dconf worker$ module:^libdconf", "dconf"},
    {"start:^g_thread_proxy$ name:^dconf worker$ module:^libdconf", "dconf"},

    /* Returns memory to the kernel; the others end when they have been idle for a while.  Verified:
     * JavaScriptCore of WebKitGTK 2.x, without symbols; the name of the start routine is from its source. */
    {"start:^libjavascriptcoregtk thread:^pas_scavenger_", "WebKit's scavenger"},
    {"start:^scavenger_thread_main$ thread:^pas_scavenger_", "WebKit's scavenger"},
    {"start:^libjavascriptcoregtk thread:^WTF::AutomaticThread::start(", "WebKit"},
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
