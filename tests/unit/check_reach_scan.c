/* The scan for addresses finds what a plain search finds, in random bytes of all sizes and positions. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "reach/image.h"
#include "reach/scan.h"
#include "suite.h"

enum { MAX_SIZE = 9000, ROUNDS = 3000, MAX_RANGES = 6, MAX_FOUND = 3 * MAX_SIZE };

struct found {
    uint64_t addresses[MAX_FOUND];
    size_t count;
};

struct sample {
    struct reach_filter filter;
    struct reach_range ranges[MAX_RANGES];
    size_t range_count;
    unsigned char bytes[MAX_SIZE + REACH_SLACK];
    size_t size;
    uint64_t address;
};

static void add(void *arg, uint64_t address)
{
    struct found *found = arg;
    ck_assert_uint_lt(found->count, MAX_FOUND);
    found->addresses[found->count++] = address;
}

static uint64_t random64(void)
{
    return (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ (uint64_t)random();
}

static uint64_t word_at(const struct sample *sample, size_t at)
{
    uint64_t word;
    memcpy(&word, sample->bytes + at, sizeof(word));
    return word;
}

/* ---- the plain search ---- */

static void expect(const struct sample *sample, uint64_t address, struct found *found)
{
    for (unsigned i = 0; i < sample->filter.count; i++)
        if (address - sample->filter.clusters[i].start <= sample->filter.clusters[i].size) {
            add(found, address);
            return;
        }
}

static uint64_t demangle(const struct sample *sample, uint64_t word)
{
    return (word >> 17 | word << 47) ^ sample->filter.guard;
}

static void expect_at(const struct sample *sample, size_t at, struct found *found)
{
    uint64_t word = word_at(sample, at), place = sample->address + at, plain = demangle(sample, word);
    if (at + 6 <= sample->size)
        expect(sample, word & REACH_ADDRESS_MASK, found);
    if (sample->filter.guard && place % 8 == 0 && at + 8 <= sample->size && plain >> 47 == 0)
        expect(sample, plain, found);
    if (sample->filter.has_low && place % 4 == 0 && at + 4 <= sample->size)
        expect(sample, (uint32_t)word, found);
}

static int compare(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static void check(const struct sample *sample)
{
    static struct found expected, found;
    expected.count = found.count = 0;
    for (size_t at = 0; at < sample->size; at++)
        expect_at(sample, at, &expected);
    reach_scan(&sample->filter, sample->bytes, sample->size, sample->address, add, &found);
    ck_assert_uint_eq(found.count, expected.count);
    qsort(expected.addresses, expected.count, sizeof(uint64_t), compare);
    qsort(found.addresses, found.count, sizeof(uint64_t), compare);
    ck_assert_mem_eq(found.addresses, expected.addresses, found.count * sizeof(uint64_t));
}

/* ---- random bytes ---- */

static uint64_t random_address(const struct sample *sample)
{
    const struct reach_range range = sample->ranges[(size_t)random() % sample->range_count];
    return range.start + random64() % (range.end - range.start);
}

static void put(struct sample *sample, size_t at)
{
    uint64_t address = random_address(sample), mangled = address ^ sample->filter.guard;
    switch (random() % 4) {
    case 0:
        address |= random64() << 48; /* a tag */
        break;
    case 1:
        address = mangled << 17 | mangled >> 47;
        break;
    case 2:
        address = random64() << 32 | (uint32_t)address;
    }
    memcpy(sample->bytes + at, &address, sizeof(address));
}

/* Of a program at low addresses, or not; its heap, and mappings. */
static void make_ranges(struct sample *sample)
{
    uint64_t start = random() % 2 ? UINT64_C(0x555555554000) : random() % 2 ? 0x400000 : UINT64_C(0xfffff000);
    sample->range_count = (size_t)(random() % MAX_RANGES);
    sample->filter = (struct reach_filter){.guard = random() % 3 ? random64() | 1 : 0};
    for (size_t i = 0; i < sample->range_count; i++) {
        uint64_t end = start + 1 + random64() % (UINT64_C(1) << (random() % 40));
        sample->ranges[i] = (struct reach_range){start, end};
        reach_filter_add(&sample->filter, start, end);
        start = end + random64() % (UINT64_C(1) << (random() % 44));
    }
    reach_filter_finish(&sample->filter);
}

static void make(struct sample *sample)
{
    make_ranges(sample);
    sample->size = (size_t)(random() % (random() % 8 ? 200 : MAX_SIZE));
    sample->address = random64() % 4096;
    for (size_t i = 0; i < sizeof(sample->bytes); i++)
        sample->bytes[i] = random() % 4 ? 0 : (unsigned char)random();
    for (size_t i = (size_t)(random() % 20); sample->range_count && i > 0; i--)
        put(sample, (size_t)random() % (sample->size + 1));
}

START_TEST(same_as_a_plain_search)
{
    static struct sample sample;
    srandom((unsigned)_i);
    make(&sample);
    check(&sample);
}
END_TEST

int main(void)
{
    TCase *all = tcase_create("reach_scan");
    tcase_add_loop_test(all, same_as_a_plain_search, 0, ROUNDS);
    return suite_run("reach_scan", all);
}
