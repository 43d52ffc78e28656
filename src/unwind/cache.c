#include "unwind/cache.h"

#include <stdlib.h>

struct cached_rules {
    uint64_t pc;               /* 0: free */
    struct frame_rules *rules; /* NULL: there are none */
};

enum { MAX_READS = 1 << 27 };

bool code_init(struct code *code, const struct snapshot *snapshot)
{
    *code = (struct code){.snapshot = snapshot, .capacity = 1024, .reads_left = MAX_READS};
    code->files = calloc(snapshot->space.count + 1, sizeof(struct code_file *));
    code->cache = calloc(code->capacity, sizeof(*code->cache));
    if (code->files && code->cache)
        return true;
    code_release(code);
    return false;
}

void code_release(struct code *code)
{
    for (size_t i = 0; code->files && i < code->snapshot->space.count; i++)
        code_file_close(code->files[i]);
    for (size_t i = 0; code->cache && i < code->capacity; i++)
        free(code->cache[i].rules);
    free(code->files);
    free(code->cache);
    code->files = NULL;
    code->cache = NULL;
}

struct code_file *code_find_file(struct code *code, uint64_t pc)
{
    const struct region *region = address_space_find(&code->snapshot->space, pc);
    if (!region || !region->executable)
        return NULL;
    struct code_file **file = &code->files[region - code->snapshot->space.regions];
    if (!*file)
        *file = code_file_open(code->snapshot, region);
    return *file;
}

static struct cached_rules *find_place(struct cached_rules *cache, size_t capacity, uint64_t pc)
{
    size_t at = (size_t)((pc * 0x9e3779b97f4a7c15ull) >> 32) & (capacity - 1);
    while (cache[at].pc && cache[at].pc != pc)
        at = (at + 1) & (capacity - 1);
    return &cache[at];
}

static bool reserve(struct code *code)
{
    if (2 * (code->cached + 1) < code->capacity)
        return true;
    size_t capacity = 2 * code->capacity;
    struct cached_rules *cache = calloc(capacity, sizeof(*cache));
    if (!cache)
        return false;
    for (size_t i = 0; i < code->capacity; i++)
        if (code->cache[i].pc)
            *find_place(cache, capacity, code->cache[i].pc) = code->cache[i];
    free(code->cache);
    code->cache = cache;
    code->capacity = capacity;
    return true;
}

static struct frame_rules *make_rules(struct code *code, uint64_t pc)
{
    struct code_file *file = code_find_file(code, pc);
    struct frame_rules *rules = file ? malloc(sizeof(*rules)) : NULL;
    if (rules && !frame_rules_find(file, pc, rules)) {
        free(rules);
        rules = NULL;
    }
    return rules;
}

const struct frame_rules *code_find_rules(struct code *code, uint64_t pc)
{
    if (!pc || !reserve(code))
        return NULL;
    struct cached_rules *place = find_place(code->cache, code->capacity, pc);
    if (!place->pc) {
        place->pc = pc;
        place->rules = make_rules(code, pc);
        code->cached++;
    }
    return place->rules;
}
