/* Part of the ledger: the names of tests. */
#ifndef THREADLEAK_COMMON_LEDGER_TEST_H
#define THREADLEAK_COMMON_LEDGER_TEST_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * A test that the program named with threadleak_test().  A thread belongs to the test of its creator, or to
 * the running one if its creator belongs to none.  So threads that a leaked thread creates later belong to
 * the test that leaked it.
 *
 * A record is used again when no thread refers to it. It then gets another number, so a reference to the
 * older test finds nothing. The writer zeroes the number first and sets it last, and the hash covers the
 * record.
 */
#define LEDGER_TEST_NAME 512u
struct ledger_test {
    _Atomic uint32_t number; /* uses of the record << LEDGER_TEST_BITS | its index; 0: never in use */
    uint32_t reserved0;
    uint64_t hash;               /* ledger_test_hash() */
    uint64_t began;              /* threads with this serial or a later one began after the test did */
    char name[LEDGER_TEST_NAME]; /* NUL-padded */
};
_Static_assert(sizeof(struct ledger_test) == 536, "test record is part of the format");
#define LEDGER_TEST_BITS 12u

static inline uint32_t ledger_test_index(uint32_t number)
{
    return number & ((1u << LEDGER_TEST_BITS) - 1);
}

static inline uint64_t ledger_test_hash(const struct ledger_test *test, uint32_t number)
{
    uint64_t hash = 0x9e3779b97f4a7c15ull ^ number ^ test->began << 32;
    for (uint32_t i = 0; i < LEDGER_TEST_NAME && test->name[i]; i++)
        hash = (hash ^ (unsigned char)test->name[i]) * 0x100000001b3ull;
    return hash;
}

#endif
