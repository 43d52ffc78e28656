/* Address ranges of one kind (units, functions, symbols) and what lies at an address. */
#ifndef THREADLEAK_SYMBOLIZE_RANGES_H
#define THREADLEAK_SYMBOLIZE_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
    uint64_t low, high; /* high is the first address behind */
    uint64_t reach;     /* the greatest high of this range and all before it */
    uint64_t value;     /* the user's */
    int rank;           /* of ranges that begin at one address, the highest is found */
    bool open;          /* ends where the next one begins, at high at the latest */
};

struct ranges {
    struct range *items;
    size_t count;
    bool sorted;
};

/* Empty and wrapped-around ranges are left out; false: out of memory. */
bool ranges_add(struct ranges *ranges, const struct range *range);

/* The range with the address in it that begins last, or NULL. */
const struct range *ranges_find(struct ranges *ranges, uint64_t address);

void ranges_release(struct ranges *ranges);

#endif
