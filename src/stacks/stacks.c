#include "stacks/stacks.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/search.h"
#include "base/text.h"

const char *stack_source_name(enum stack_source source)
{
    static const char *const names[] = {"none", "ptrace", "signal", "core"};
    return names[source];
}

struct stacks *stacks_none(const char *note)
{
    struct stacks *stacks = calloc(1, sizeof(*stacks));
    if (stacks && asprintf(&stacks->note, "none: %s", note) < 0) {
        free(stacks);
        return NULL;
    }
    return stacks;
}

const struct thread_stack *stacks_find(const struct stacks *stacks, pid_t tid)
{
    size_t count = stacks ? stacks->count : 0;
    size_t at = SEARCH_FIRST(i, count, stacks->threads[i].tid >= tid);
    return at < count && stacks->threads[at].tid == tid ? &stacks->threads[at] : NULL;
}

const struct thread_stack *stacks_find_handle(const struct stacks *stacks, uint64_t handle)
{
    for (size_t i = 0; stacks && handle && i < stacks->count; i++)
        if (stacks->threads[i].handle == handle)
            return &stacks->threads[i];
    return NULL;
}

void stacks_free(struct stacks *stacks)
{
    if (!stacks)
        return;
    for (size_t i = 0; i < stacks->count; i++) {
        free(stacks->threads[i].why_none);
        free(stacks->threads[i].wait.symbol);
        free(stacks->threads[i].wait.text);
        free(stacks->threads[i].wait.what);
        free(stacks->threads[i].wait.mutex_symbol);
    }
    for (size_t i = 0; i < stacks->shared_count; i++) {
        free(stacks->shared[i].frames);
        free(stacks->shared[i].incomplete);
    }
    for (size_t i = 0; i < stacks->handle_count; i++) {
        free(stacks->handles[i].where);
        free(stacks->handles[i].function);
    }
    free(stacks->handles);
    free(stacks->passed);
    stacks_free_places(stacks);
    strings_free(stacks->replaced);
    task_list_release(&stacks->tasks);
    reach_summary_release(&stacks->reach);
    free(stacks->threads);
    free(stacks->shared);
    free(stacks->argv);
    free(stacks->note);
    json_decref(stacks->json);
    free(stacks);
}
