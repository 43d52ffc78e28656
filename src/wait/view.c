#include "wait/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool view_read(const struct view *view, uint64_t address, void *to, size_t size)
{
    const struct snapshot *snapshot = view->waits->context.snapshot;
    return snapshot_read_memory(snapshot, view->thread, address, to, size) ||
           snapshot_read_live(snapshot, address, to, size);
}

bool view_is_shared(const struct view *view, uint64_t address)
{
    const struct snapshot *snapshot = view->waits->context.snapshot;
    const struct region *region = address_space_find(&snapshot->space, address);
    return !view->waits->has_proc || !region || region->shared;
}

static void thread_title(const struct waits *waits, pid_t tid, char *to, size_t size)
{
    *to = 0;
    if (!waits->context.name || !waits->context.name(waits->context.name_arg, tid, to, size))
        snprintf(to, size, "tid %d", (int)tid);
}

void view_add_thread(const struct view *view, pid_t tid)
{
    char title[256];
    thread_title(view->waits, tid, title, sizeof(title));
    line_add(view->line, "%s", tid == view->thread->tid ? "this thread itself" : title);
}

static bool add_object(const struct view *view, uint64_t address, char **symbol, enum object_place *place)
{
    const struct object_name *name = object_name(view->waits->names, address);
    char title[256];
    *symbol = NULL;
    if (!name)
        return false;
    *place = name->place;
    if (name->place == PLACE_SYMBOL || name->place == PLACE_MODULE) {
        line_add(view->line, "%s", name->text);
        *symbol = strdup(name->text);
        return *symbol != NULL;
    }
    line_add(view->line, "0x%" PRIx64, address);
    if (name->place == PLACE_UNKNOWN)
        return true;
    if (name->place != PLACE_STACK) {
        line_add(view->line, name->place == PLACE_HEAP ? " on the %s" : " in %s", name->text);
        *symbol = strdup(name->text);
        return *symbol != NULL;
    }
    thread_title(view->waits, name->owner, title, sizeof(title));
    if (name->owner == view->thread->tid)
        line_add(view->line, " on its own stack");
    else
        line_add(view->line, " on the stack of %s", title);
    return asprintf(symbol, "stack of %s", title) >= 0;
}

bool view_add_object(const struct view *view)
{
    struct wait *wait = view->wait;
    return add_object(view, wait->address, &wait->symbol, &wait->place);
}

bool view_add_mutex(const struct view *view)
{
    enum object_place place;
    return add_object(view, view->wait->mutex, &view->wait->mutex_symbol, &place);
}

struct kind {
    const char *name;
    enum kind_timeout timeout;
};

static const struct kind kinds[WAIT_KINDS] = {
#define WAIT_KIND(on, name, timeout) [WAIT_##on] = {name, TIMEOUT_##timeout},
#include "wait/kinds.def"
};

const char *wait_on_name(enum wait_on on)
{
    return on < WAIT_KINDS ? kinds[on].name : NULL;
}

enum kind_timeout kind_timeout(enum wait_on on)
{
    return kinds[on].timeout;
}
