#include "wait/unowned.h"

#include <string.h>

#include "base/path.h"
#include "base/text.h"
#include "wait/inside.h"
#include "wait/libc_name.h"
#include "wait/owner.h"

/* ---- functions that take such locks -------------------------------------------------- */

static bool is_libc(const struct stack_function *function)
{
    return path_is_libc(function->module);
}

static bool is_one_of(const void *names, const struct stack_function *function)
{
    const char *bare = bare_name(function->name);
    if (!is_libc(function))
        return false;
    if (text_begins_with(bare, "libc_"))
        bare += strlen("libc_");
    for (const char *const *name = names; *name; name++)
        if (strcmp(bare, *name) == 0)
            return true;
    return false;
}

static const char *const of_malloc[] = {
    "malloc",         "free",    "calloc",  "realloc",     "reallocarray", "memalign",  "aligned_alloc",
    "posix_memalign", "valloc",  "pvalloc", "malloc_trim", "mallinfo",     "mallinfo2", "malloc_stats",
    "malloc_info",    "mallopt", NULL};
static const char *const of_fork[] = {"fork", "register_atfork", "pthread_atfork", "unregister_atfork", NULL};

static bool is_fork(const void *unused, const struct stack_function *function)
{
    (void)unused;
    return is_one_of(of_fork, function);
}

/* fork() and pthread_atfork() wait in these with the lock of fork handlers held. A handler may have become a
 * jump to another function, such as pthread_mutex_lock. */
static bool is_in_fork(const void *unused, const struct stack_function *function)
{
    static const char *const names[] = {"lll_lock_wait_private",
                                        "IO_list_lock",
                                        "malloc_fork_lock",
                                        "nss_database_fork",
                                        "run_prefork_handlers",
                                        "run_postfork_handlers",
                                        "malloc",
                                        "realloc",
                                        "int_malloc",
                                        "int_realloc",
                                        "arena_get",
                                        "tcache_init",
                                        "libc_dynarray",
                                        "fork_handler_list"};
    const char *bare = bare_name(function->name);
    (void)unused;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (text_begins_with(bare, names[i]))
            return true;
    return !*bare;
}

/* ---- the two kinds of locks --------------------------------------------------------------- */

bool unowned_is_of_libc(const struct view *view, uint64_t address)
{
    const struct address_space *space = &view->waits->context.snapshot->space;
    const struct region *region = address_space_find(space, address);
    if (region && !*region->path && region > space->regions && region[-1].end == region->start)
        region--; /* the end of its data is anonymous memory */
    return region && path_is_libc(region->path);
}

/* An arena of malloc: struct malloc_state begins with the lock. Its lists of free chunks that are empty begin
 * and end 16 bytes before themselves. */
static bool is_arena(const struct view *view)
{
    uint64_t words[64];
    size_t empty = 0;
    if (!unowned_is_of_libc(view, view->wait->address))
        return true;
    for (size_t i = 0; view_read(view, view->wait->address, words, sizeof(words)) && i < 64; i++)
        empty += words[i] == view->wait->address + 8 * i - 16;
    return empty >= 4;
}

static bool is_free(const struct view *view)
{
    uint32_t word;
    return !view_read(view, view->wait->address, &word, sizeof(word)) || !word;
}

static void add_owner(const struct view *view, pid_t tid, bool certain)
{
    view->wait->owner_inferred = !certain;
    owner_add_thread(view, "held", tid);
}

/* A fork holds it, too, while it waits for another arena. */
static void add_of_malloc(const struct view *view)
{
    bool certain;
    pid_t tid =
        inside_find(view, &(struct inside){is_one_of, of_malloc, false, is_fork, is_in_fork}, &certain);
    line_add(view->line, "malloc's lock");
    if (tid)
        add_owner(view, tid, certain);
}

/*
 * fork() takes the lock before the handlers, and releases it after those that run in the parent. Since glibc
 * 2.36, and in distributions' updates of earlier versions, it is not held while a handler runs. So a thread
 * that is in a handler holds it only if nobody else can.
 */
static void add_of_fork(const struct view *view)
{
    const struct inside inside = {is_one_of, of_fork, false, is_fork, is_in_fork};
    bool certain;
    line_add(view->line, "lock of fork handlers");
    pid_t tid = is_free(view) ? 0 : inside_find_innermost(view, &inside, &certain);
    if (!tid && !is_free(view))
        tid = inside_find(view, &inside, &certain);
    if (tid)
        add_owner(view, tid, certain);
}

static bool is_function(const void *name, const struct stack_function *function)
{
    return is_libc(function) && strcmp(name, function->name) == 0;
}

/* Other functions may take such a lock, too. */
static void add_other(const struct view *view)
{
    const char *function = inside_libc(view, NULL, NULL);
    bool certain;
    line_add(view->line, "lock of libc");
    if (!function || text_begins_with(bare_name(function), "lll_lock"))
        return;
    line_add(view->line, ", in %s", function);
    pid_t tid = inside_find(view, &(struct inside){.counts = is_function, .arg = function}, &certain);
    if (tid)
        add_owner(view, tid, false);
}

void unowned_add(const struct view *view)
{
    bool in_fork = inside_libc(view, is_one_of, of_fork) != NULL;
    if (inside_libc(view, is_one_of, of_malloc) || (in_fork && is_arena(view)))
        add_of_malloc(view);
    else if (in_fork)
        add_of_fork(view);
    else
        add_other(view);
}
