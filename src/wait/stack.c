#include "wait/stack.h"

#include <string.h>

#include "base/path.h"
#include "proc/maps.h"
#include "wait/called.h"

enum { MAX_FRAMES = 32 /* of libc around a system call */ };

struct name {
    const char *begin; /* of the function's name, without underscores before it */
    enum stack_use use;
};

static const struct name names[] = {
    {"pthread_mutex_lock", USE_MUTEX},
    {"pthread_mutex_timedlock", USE_MUTEX},
    {"pthread_mutex_clocklock", USE_MUTEX},
    {"pthread_mutex_cond_lock", USE_RELOCK},
    {"mtx_lock", USE_MUTEX},
    {"mtx_timedlock", USE_MUTEX},
    {"pthread_cond_wait", USE_COND},
    {"pthread_cond_timedwait", USE_COND},
    {"pthread_cond_clockwait", USE_COND},
    {"cnd_wait", USE_COND},
    {"cnd_timedwait", USE_COND},
    {"pthread_rwlock_rdlock", USE_READ_LOCK},
    {"pthread_rwlock_timedrdlock", USE_READ_LOCK},
    {"pthread_rwlock_clockrdlock", USE_READ_LOCK},
    {"pthread_rwlock_wrlock", USE_WRITE_LOCK},
    {"pthread_rwlock_timedwrlock", USE_WRITE_LOCK},
    {"pthread_rwlock_clockwrlock", USE_WRITE_LOCK},
    {"sem_wait", USE_SEMAPHORE},
    {"sem_timedwait", USE_SEMAPHORE},
    {"sem_clockwait", USE_SEMAPHORE},
    {"new_sem_wait", USE_SEMAPHORE},
    {"pthread_barrier_wait", USE_BARRIER},
    {"pthread_join", USE_JOIN},
    {"pthread_timedjoin_np", USE_JOIN},
    {"pthread_clockjoin", USE_JOIN},
    {"thrd_join", USE_JOIN},
    {"pthread_once", USE_ONCE},
    {"call_once", USE_ONCE},
};

/* Aliases differ in what stands before: "__GI___pthread_mutex_lock" of libc's,
 * "__interceptor_sem_wait" of the sanitizers'. */
static const char *bare_name(const char *name)
{
    static const char *const before[] = {"GI_", "interceptor_"};
    name += strspn(name, "_");
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        size_t length = strlen(before[i]);
        if (strncmp(name, before[i], length) == 0)
            name += length + strspn(name + length, "_");
    }
    return name;
}

static enum stack_use use_of_name(const char *name, bool whole)
{
    name = bare_name(name);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t length = strlen(names[i].begin);
        if (strncmp(name, names[i].begin, length) == 0 && (!whole || !name[length]))
            return names[i].use;
    }
    return USE_UNKNOWN;
}

static bool is_libc(const struct code_address *address)
{
    return address->module && strcmp(path_basename(address->module), "libc.so.6") == 0;
}

static const char *name_of(const struct stack_reader *reader, const struct code_address *address)
{
    const struct frame_list *list = symbolize(reader->symbolizer, address);
    const char *name = list->frames[list->count - 1].function;
    return name ? name : "";
}

/* Of what libc's caller is, or has called. */
static enum stack_use use_of_caller(const struct stack_reader *reader, const struct code_address *caller)
{
    const char *name = name_of(reader, caller);
    /* Of libstdc++, by way of syscall(). */
    if (strcmp(name, "__cxa_guard_acquire") == 0)
        return USE_GUARD;
    /* One that stands before libc's own. */
    enum stack_use use = use_of_name(name, true);
    uint64_t called = use == USE_UNKNOWN ? called_function(reader->snapshot, caller->pc) : 0;
    const struct module *module = called ? modules_find(reader->modules, called) : NULL;
    if (!module)
        return use;
    const struct code_address address = module_address(module, called);
    return use_of_name(name_of(reader, &address), true);
}

static enum stack_use find_use(const struct stack_reader *reader, const struct stack *stack)
{
    size_t i = 0;
    for (; i < stack->count && i < MAX_FRAMES && is_libc(&stack->frames[i]); i++) {
        enum stack_use use = use_of_name(name_of(reader, &stack->frames[i]), false);
        if (use != USE_UNKNOWN)
            return use;
    }
    return i > 0 && i < stack->count ? use_of_caller(reader, &stack->frames[i]) : USE_UNKNOWN;
}

/* Start routines are called through a pointer. */
static bool follows_direct_call(const struct snapshot *snapshot, uint64_t pc)
{
#if defined(__x86_64__)
    unsigned char code;
    return snapshot_read_memory(snapshot, NULL, pc - 5, &code, 1) && code == 0xe8;
#else
    uint32_t code;
    return snapshot_read_memory(snapshot, NULL, pc - 4, &code, 4) && code >> 26 == 0x25;
#endif
}

/*
 * At the bottom of a thread's stack are clone3 and start_thread.  The latter calls
 * the start routine, later __call_tls_dtors and __nptl_deallocate_tsd, which has no
 * name in a stripped libc; nothing else that it calls directly has user code above it.
 */
static const char *find_destructor(const struct stack_reader *reader, const struct stack *stack)
{
    size_t n = stack->count;
    if (n < 4 || stack->incomplete || !is_libc(&stack->frames[n - 1]) || !is_libc(&stack->frames[n - 2]) ||
        !is_libc(&stack->frames[n - 3]) || is_libc(&stack->frames[n - 4]))
        return NULL;
    const char *name = bare_name(name_of(reader, &stack->frames[n - 3]));
    if (strcmp(name, "call_tls_dtors") == 0)
        return "a thread_local object's destructor";
    if (strcmp(name, "nptl_deallocate_tsd") == 0)
        return "a thread-specific destructor";
    const char *caller = bare_name(name_of(reader, &stack->frames[n - 2]));
    if (!*name && (!*caller || strcmp(caller, "start_thread") == 0) &&
        follows_direct_call(reader->snapshot, stack->frames[n - 2].pc))
        return "a thread-specific destructor";
    return NULL;
}

void stack_facts_set(struct stack_facts *facts, const struct stack_reader *reader, const struct stack *stack)
{
    facts->known = true;
    facts->use = find_use(reader, stack);
    facts->destructor = find_destructor(reader, stack);
}
