#include "unwind/stack_set.h"

#include <stdlib.h>

static uint64_t hash_pcs(uint64_t hash, uint64_t pc)
{
    hash = (hash ^ pc) * 0x9e3779b97f4a7c15ull;
    return hash ^ (hash >> 29);
}

static uint64_t hash_trace(const struct trace *trace)
{
    uint64_t hash = 1;
    for (size_t i = 0; i < trace->count; i++)
        hash = hash_pcs(hash, trace->pcs[i]);
    return hash;
}

static uint64_t hash_stack(const struct stack *stack)
{
    uint64_t hash = 1;
    for (size_t i = 0; i < stack->count; i++)
        hash = hash_pcs(hash, stack->frames[i].pc);
    return hash;
}

static bool is_equal(const struct stack *stack, const struct trace *trace)
{
    if (stack->count != trace->count || stack->incomplete != trace->incomplete ||
        stack->stray != trace->stray)
        return false;
    for (size_t i = 0; i < trace->count; i++)
        if (stack->frames[i].pc != trace->pcs[i] ||
            stack->frames[i].is_return_address != trace->are_returns[i])
            return false;
    return true;
}

static bool reserve(struct stack_set *set)
{
    if (2 * (set->count + 1) < set->capacity)
        return true;
    size_t capacity = set->capacity ? 2 * set->capacity : 256;
    struct stack **places = calloc(capacity, sizeof(struct stack *));
    if (!places)
        return false;
    for (size_t i = 0; i < set->capacity; i++) {
        if (!set->places[i])
            continue;
        size_t at = hash_stack(set->places[i]) & (capacity - 1);
        while (places[at])
            at = (at + 1) & (capacity - 1);
        places[at] = set->places[i];
    }
    free(set->places);
    set->places = places;
    set->capacity = capacity;
    return true;
}

struct stack **stack_set_place(struct stack_set *set, const struct trace *trace)
{
    if (!reserve(set))
        return NULL;
    size_t at = hash_trace(trace) & (set->capacity - 1);
    while (set->places[at] && !is_equal(set->places[at], trace))
        at = (at + 1) & (set->capacity - 1);
    return &set->places[at];
}

void stack_set_release(struct stack_set *set)
{
    for (size_t i = 0; i < set->capacity; i++)
        if (set->places[i]) {
            free(set->places[i]->frames);
            free(set->places[i]);
        }
    free(set->places);
}
