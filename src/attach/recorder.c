#include "attach/recorder.h"

#include <stdlib.h>

#include "base/array.h"

struct recorder *recorder_new(pid_t pid, const struct probes *probes, const struct nptl *nptl,
                              struct writer *writer)
{
    struct recorder *recorder = calloc(1, sizeof(*recorder));
    if (recorder)
        *recorder = (struct recorder){.pid = pid, .probes = probes, .nptl = nptl, .writer = writer};
    return recorder;
}

void recorder_free(struct recorder *recorder)
{
    if (!recorder)
        return;
    table_release(&recorder->live);
    table_release(&recorder->handles);
    table_release(&recorder->begun);
    table_release(&recorder->older);
    free(recorder->pending);
    free(recorder->extras);
    free(recorder);
}

/* ---- slots ---- */

uint32_t recorder_slot_in(const struct table *table, uint64_t key)
{
    uint64_t found = table_find(table, key);
    return found ? (uint32_t)found - 1 : WRITER_NO_SLOT;
}

uint32_t recorder_slot_of_handle(const struct recorder *recorder, uint64_t handle)
{
    uint32_t slot = recorder_slot_in(&recorder->handles, handle);
    const struct ledger_slot *at = slot == WRITER_NO_SLOT ? NULL : writer_slot(recorder->writer, slot);
    return at && at->handle == handle ? slot : WRITER_NO_SLOT;
}

struct extra *recorder_extra(struct recorder *recorder, uint32_t slot)
{
    const struct ledger_slot *at = writer_slot(recorder->writer, slot);
    while (recorder->extra_count <= slot) {
        if (!ARRAY_GROW(recorder->extras, recorder->extra_count))
            return NULL;
        recorder->extras[recorder->extra_count++] = (struct extra){0};
    }
    struct extra *extra = &recorder->extras[slot];
    if (at && extra->serial != at->serial)
        *extra = (struct extra){.serial = at->serial};
    return extra;
}

void recorder_finish(struct recorder *recorder, uint32_t slot)
{
    const struct ledger_slot *at = writer_slot(recorder->writer, slot);
    const struct extra *extra = recorder_extra(recorder, slot);
    if (!at || !extra)
        return;
    if (extra->caller)
        writer_joined(recorder->writer, slot, extra->caller, extra->place);
    else
        writer_released(recorder->writer, slot);
}

/* glibc issues a handle again only when the thread that had it is gone. But a thread that had only claimed it
 * never had it. */
static void take_handle_from(struct recorder *recorder, uint32_t older)
{
    struct extra *extra = recorder_extra(recorder, older);
    if (!extra || !(writer_slot(recorder->writer, older)->state & SLOT_ENDED))
        return;
    if (!extra->claimed) {
        recorder_finish(recorder, older);
        return;
    }
    writer_set_handle(recorder->writer, older, 0);
    extra->claimed = false;
    extra->gone_ns = 0;
}

void recorder_set_handle(struct recorder *recorder, uint32_t slot, uint64_t handle)
{
    uint32_t older = recorder_slot_of_handle(recorder, handle);
    if (older != WRITER_NO_SLOT && older != slot)
        take_handle_from(recorder, older);
    writer_set_handle(recorder->writer, slot, handle);
    table_set(&recorder->handles, handle, slot + 1);
}

bool recorder_has_changed(const struct recorder *recorder)
{
    return recorder->changed;
}

bool recorder_knows(const struct recorder *recorder, pid_t tid)
{
    return table_find(&recorder->begun, (uint64_t)tid) != 0;
}

struct recorder_stacks recorder_stacks(const struct recorder *recorder)
{
    return recorder->stacks;
}

bool recorder_has_execed(const struct recorder *recorder)
{
    return recorder->execed;
}
