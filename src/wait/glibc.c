#include "wait/glibc.h"

#include <stdlib.h>
#include <string.h>

#include "base/path.h"

enum {
    FIRST_MINOR = 28,
    LAST_MINOR = 42,
    CHUNK = 1 << 16,
    OVERLAP = 256,
    MAX_SEARCHED = 1 << 24,
};

/* "2.36"; not "2.36.9000", a development version of the next one. */
static bool is_known_version(const char *version)
{
    char *end;
    if (strncmp(version, "2.", 2) != 0)
        return false;
    unsigned long minor = strtoul(version + 2, &end, 10);
    if (*end == '.' && end[1] >= '0' && end[1] <= '9')
        return false;
    return minor >= FIRST_MINOR && minor <= LAST_MINOR;
}

/* "GNU C Library (Debian GLIBC 2.36-9+deb12u14) stable release version 2.36.\n" */
static const char *find_banner(char *text, size_t size)
{
    static const char begin[] = "GNU C Library", before[] = " release version ";
    const char *found = memmem(text, size, begin, sizeof(begin) - 1);
    if (!found)
        return NULL;
    size_t left = size - (size_t)(found - text);
    found = memmem(found, left < OVERLAP ? left : OVERLAP, before, sizeof(before) - 1);
    return found ? found + sizeof(before) - 1 : NULL;
}

static bool search_region(const struct snapshot *snapshot, const struct region *region, char *buffer,
                          bool *known)
{
    uint64_t end = region->end - region->start > MAX_SEARCHED ? region->start + MAX_SEARCHED : region->end;
    for (uint64_t at = region->start; at < end; at += CHUNK) {
        size_t size = end - at < CHUNK + OVERLAP ? end - at : CHUNK + OVERLAP;
        size = snapshot_read_some(snapshot, at, buffer, size);
        buffer[size] = 0;
        const char *version = find_banner(buffer, size);
        if (!version)
            continue;
        *known = is_known_version(version);
        return true;
    }
    return false;
}

bool glibc_is_known(const struct snapshot *snapshot, const char *version)
{
    bool known = false, found = false;
    if (version)
        return is_known_version(version);
    char *buffer = malloc(CHUNK + OVERLAP + 1);
    for (size_t i = 0; buffer && !found && i < snapshot->space.count; i++) {
        const struct region *region = &snapshot->space.regions[i];
        if (region->readable && !region->writable && path_is_libc(region->path))
            found = search_region(snapshot, region, buffer, &known);
    }
    free(buffer);
    return known;
}

uint64_t glibc_rwlock_of_futex(uint64_t futex, uint32_t value, bool writing)
{
    if (writing && value == (1 | GLIBC_RWLOCK_FUTEX_USED))
        return futex - offsetof(struct glibc_rwlock, writer_futex);
    /* The expected value at `readers` has another flag. */
    if (writing || value == (1 | GLIBC_RWLOCK_FUTEX_USED))
        return futex - offsetof(struct glibc_rwlock, phase);
    return futex;
}

uint64_t glibc_barrier_of_futex(uint64_t futex, uint32_t value)
{
    /* BARRIER_IN_THRESHOLD: the barrier is being reset, and threads wait for `in`. */
    return value > UINT32_MAX / 2 ? futex : futex - offsetof(struct glibc_barrier, current_round);
}

bool glibc_is_cond_wait(const struct glibc_cond_wait *wait, uint64_t futex)
{
    /* Offsets of __g_signals[0] before and after glibc removed __g_refs. */
    static const uint64_t signals[] = {40, 32};
    enum { COND_SIZE = 48 };
    uint32_t shared = (uint32_t)wait->shared;
    /* Spilled registers beside each other can look like this, with an address in the condition variable. */
    if (wait->mutex - wait->cond < COND_SIZE)
        return false;
    if (!wait->cond || wait->cond % 8 || !wait->mutex || wait->mutex % 4 || (shared != 0 && shared != 128))
        return false;
    for (size_t i = 0; i < 2; i++)
        if (futex == wait->cond + signals[i] + 4 * (wait->sequence & 1))
            return true;
    return false;
}
