#include "preload/ledger/site.h"

#include <string.h>

#include "preload/ledger/module.h"
#include "preload/ledger/namespace.h"
#include "preload/ledger/section.h"
#include "preload/shim/on_stack.h"

static inline uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
    return hash ^ hash >> 29;
}

/* The processor can overlap the multiplications of two chains. */
static uint64_t hash_words(const uint64_t *words, uint32_t count, uint64_t seed)
{
    uint64_t even = seed, odd = count;
    uint32_t i = 0;
    for (; i + 1 < count; i += 2) {
        even = mix(even, words[i]);
        odd = mix(odd, words[i + 1]);
    }
    if (i < count)
        even = mix(even, words[i]);
    return mix(even, odd);
}

/* The upper bits of a product are mixed best. */
static uint64_t key_of(uint64_t hash)
{
    return hash >> (64 - INDEX_KEY_BITS);
}

static bool accept_any(void *arg, uint32_t value)
{
    *(uint32_t *)arg = value;
    return true;
}

struct content {
    struct shim_state *state;
    const ledger_pc *frames;
    ledger_pc start_pc;
    uint32_t count, flags, found;
};

static bool accept_content(void *arg, uint32_t value)
{
    struct content *content = arg;
    const struct ledger_site *site = &content->state->sites[value];
    if (site->frame_count != content->count || site->flags != content->flags ||
        site->start_pc != content->start_pc ||
        memcmp(content->state->frames + site->frames, content->frames, content->count * sizeof(ledger_pc)) !=
            0)
        return false;
    content->found = value;
    return true;
}

static uint32_t new_site(struct shim_state *state, const struct content *content, uint64_t hash,
                         uint64_t start)
{
    uint32_t frames = ledger_take(state, SECTION_FRAMES, content->count);
    if (frames == UINT32_MAX)
        return 0;
    uint32_t index = ledger_take(state, SECTION_SITES, 1);
    if (index == UINT32_MAX)
        return 0;
    struct ledger_site *site = &state->sites[index];
    memcpy(state->frames + frames, content->frames, content->count * sizeof(ledger_pc));
    site->frames = frames;
    site->frame_count = content->count;
    site->flags = content->flags;
    site->content_hash = hash;
    site->start = start;
    site->start_pc = content->start_pc;
    namespace_note(state);
    index_insert(state->encoded, key_of(hash), index);
    return index;
}

struct encoding {
    struct shim_state *state;
    const struct capture *capture;
    uint64_t start;
    uint32_t site; /* the result */
};

static void encode(void *arg)
{
    struct encoding *encoding = arg;
    struct shim_state *state = encoding->state;
    const struct capture *capture = encoding->capture;
    ledger_pc frames[capture->count];
    ledger_pc start_pc = module_encode(state, encoding->start);
    struct content content = {state, frames, start_pc, capture->count, capture->flags, 0};

    module_encode_all(state, (const uint64_t *)capture->frames, capture->count, frames);
    uint64_t hash = hash_words(frames, capture->count, mix(capture->flags, content.start_pc));
    bool known = index_find(state->encoded, key_of(hash), accept_content, &content);
    encoding->site = known ? content.found : new_site(state, &content, hash, encoding->start);
}

uint32_t site_of(struct shim_state *state, const struct capture *capture, uint64_t start)
{
    uint64_t generation = atomic_load_explicit(&state->header->generation, memory_order_relaxed);
    uint64_t hash = hash_words((const uint64_t *)capture->frames, capture->count,
                               mix(generation << 8 | capture->flags, start));
    uint32_t site;
    bool unloading = module_unloading();

    if (!unloading && index_find(state->raw, key_of(hash), accept_any, &site))
        return site;
    struct encoding encoding = {state, capture, start, 0};
    on_new_stack(encode, &encoding);
    if (encoding.site && !unloading)
        index_insert(state->raw, key_of(hash), encoding.site);
    return encoding.site;
}

void site_forget_addresses(struct shim_state *state)
{
    atomic_fetch_add(&state->header->generation, 1);
}
