/* Ledgers with any bytes, and ledgers that change while they are read: the reader stays inside the file, and
 * returns no slot that is half of one thread and half of another. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ledger_fake.h"
#include "suite.h"

static struct fake *fake;
static char path[64];
static int fd;

static void set_up(void)
{
    fake = fake_new_small();
    fd = -1;
}

static void tear_down(void)
{
    fake_free(fake);
    if (fd >= 0)
        close(fd);
}

static struct ledger *opened(void)
{
    struct ledger *ledger = fake_open(fake);
    ck_assert_ptr_nonnull(ledger);
    return ledger;
}

START_TEST(records_that_lie_do_not_lead_outside)
{
    fake_fill(fake);
    struct ledger_site *site = fake_site_at(fake, 1);
    struct ledger_header *header = fake_header(fake);
    uint32_t count;
    site->frame_count = UINT32_MAX;
    fake_module_at(fake, 0)->build_id_len = 33;
    fake_module_at(fake, 1)->path = UINT32_MAX;
    header->argc = UINT32_MAX;
    memset(header->untracked[0].name, 'x', sizeof(header->untracked[0].name));
    memset(fake_bytes(fake, &(size_t){0}) + header->sections[SECTION_STRINGS].offset, 'x',
           header->sections[SECTION_STRINGS].cap);
    struct ledger *ledger = opened();
    ck_assert_uint_eq(ledger_get_module(ledger, 0)->build_id_len, 0);
    ck_assert_str_eq(ledger_get_string(ledger, ledger_get_module(ledger, 1)->path), "");
    ck_assert_uint_eq(strlen(ledger_get_string(ledger, 1)), header->sections[SECTION_STRINGS].used - 1);
    ck_assert_str_eq(ledger_get_string(ledger, header->sections[SECTION_STRINGS].used), "");
    ledger_get_frames(ledger, ledger_get_site(ledger, 1), &count);
    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(ledger_get_header(ledger)->argc, 1);
    ck_assert_uint_eq(strlen(ledger_get_header(ledger)->untracked[0].name), 15);
    fake_walk(ledger);
    ledger_close(ledger);

    site->frames = UINT64_MAX;
    ledger = opened();
    ledger_get_frames(ledger, ledger_get_site(ledger, 1), &count);
    ck_assert_uint_eq(count, 0);
    ledger_close(ledger);
}
END_TEST

static uint64_t random_next(void)
{
    static uint64_t state = 88172645463325252ull;
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static uint64_t odd_value(void)
{
    static const uint64_t values[] = {0,    1,    31,    32,        33,         255,
                                      4095, 4096, 65535, INT32_MAX, UINT32_MAX, INT64_MAX};
    uint64_t pick = random_next() % 16;
    return pick < 12 ? values[pick] : pick == 12 ? random_next() : random_next() % 30000;
}

/* Most into the header's fields and the records, some anywhere. */
static size_t odd_place(size_t size)
{
    switch (random_next() % 4) {
    case 0:
        return random_next() % 320;
    case 1:
        return (random_next() % (size / 4096)) * 4096 + random_next() % 256;
    default:
        return random_next() % size;
    }
}

/* ck_assert would send a message to the parent for each of these hundreds of thousands of checks. */
static void write_at(const void *bytes, size_t size, size_t place)
{
    if (pwrite(fd, bytes, size, (off_t)place) != (ssize_t)size)
        ck_abort_msg("pwrite: %s", strerror(errno));
}

START_TEST(no_mutation_harms)
{
    size_t size;
    unsigned opened_count = 0;
    fake_fill(fake);
    fake_end(fake, LEDGER_END_EXIT, 0, true);
    const unsigned char *bytes = fake_bytes(fake, &size);
    fd = fake_memfd(fake, path);
    for (int i = 0; i < 100000; i++) {
        size_t places[4], n = 1 + random_next() % 4;
        for (size_t k = 0; k < n; k++) {
            uint64_t value = odd_value();
            size_t width = (size_t)1 << random_next() % 4;
            places[k] = odd_place(size - 8);
            write_at(&value, width, places[k]);
        }
        struct ledger *ledger;
        struct error error = {""};
        if (ledger_open_file(path, &ledger, &error) == LEDGER_OPEN_OK) {
            opened_count++;
            fake_walk(ledger);
        } else if (!error.text[0] || strchr(error.text, '\n')) {
            ck_abort_msg("mutation %d: %s", i, error.text);
        }
        ledger_close(ledger);
        for (size_t k = 0; k < n; k++)
            write_at(bytes + places[k], 8, places[k]);
    }
    ck_assert_uint_gt(opened_count, 10000); /* else it did not get far in */
    ck_assert_uint_lt(opened_count, 90000);
}
END_TEST

/* ---- while somebody writes ---------------------------------------------------- */

static struct ledger_slot *shared_slots;
static atomic_bool stop;
#define BUSY_SLOTS 1024u

static void refill(struct ledger_slot *slot, uint64_t serial)
{
    atomic_store(&slot->serial, 0);
    atomic_thread_fence(memory_order_seq_cst);
    slot->state = (slot->state / SLOT_USE + 1) * SLOT_USE | SLOT_STARTED;
    slot->site = (uint32_t)serial;
    slot->joined_ns = serial * 5;
    slot->created_ns = serial * 7;
    slot->created_by = serial * 3;
    atomic_store(&slot->name_seq, 1);
    slot->name[0] = serial;
    slot->name[1] = serial;
    atomic_store(&slot->name_seq, 2);
    atomic_store(&slot->serial, serial);
}

static void rename_thread(struct ledger_slot *slot, uint64_t value)
{
    atomic_fetch_add(&slot->name_seq, 1);
    slot->name[0] = value;
    slot->name[1] = value;
    atomic_fetch_add(&slot->name_seq, 1);
}

static void retire(struct ledger_slot *slot)
{
    atomic_fetch_or(&slot->state, SLOT_ENDED | SLOT_JOINED);
    slot->arg = slot->serial;
    atomic_store(&slot->serial, 0);
}

static void *write_on(void *arg)
{
    (void)arg;
    for (uint64_t serial = BUSY_SLOTS + 1; !stop; serial++) {
        struct ledger_slot *slot = &shared_slots[serial * 7 % BUSY_SLOTS];
        if (serial % 4)
            refill(slot, serial);
        else
            rename_thread(slot, serial);
        if (serial % 16 == 1)
            retire(slot);
    }
    return NULL;
}

static uint64_t past_seen;

static uint64_t read_busy(void)
{
    struct ledger *ledger;
    struct error error = {""};
    uint64_t seen = 0;
    ck_assert_msg(ledger_open_file(path, &ledger, &error) == LEDGER_OPEN_OK, "%s", error.text);
    for (uint32_t i = 0; i < ledger_slot_count(ledger); i++) {
        struct ledger_slot slot;
        bool is_past = ledger_get_past(ledger, i, &slot);
        past_seen += is_past;
        if (!is_past && !ledger_get_slot(ledger, i, &slot))
            continue;
        seen++;
        bool whole = slot.created_by == slot.serial * 3 && slot.joined_ns == slot.serial * 5 &&
                     slot.created_ns == slot.serial * 7 && slot.site == (uint32_t)slot.serial;
        if (!whole || slot.name[0] != slot.name[1])
            ck_abort_msg("slot %u is of two threads", i);
    }
    ledger_close(ledger);
    return seen;
}

START_TEST(no_torn_slot_is_given)
{
    enum { ROUNDS = 1000 };
    size_t size;
    uint64_t seen = 0;
    pthread_t writer;
    struct fake *busy = fake_new();

    for (uint64_t i = 0; i < BUSY_SLOTS; i++)
        refill(fake_slot(busy, fake_thread(busy, &(struct fake_thread){0})), i + 1);
    fake_header(busy)->next_serial = UINT64_MAX;
    fd = fake_memfd(busy, path);
    fake_bytes(busy, &size);
    char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert_ptr_ne(map, MAP_FAILED);
    shared_slots = (struct ledger_slot *)(map + fake_header(busy)->sections[SECTION_SLOTS].offset);
    ck_assert_int_eq(pthread_create(&writer, NULL, write_on, NULL), 0);
    for (int i = 0; i < ROUNDS; i++)
        seen += read_busy();
    stop = true;
    pthread_join(writer, NULL);
    ck_assert_uint_gt(seen, (uint64_t)ROUNDS * BUSY_SLOTS * 9 / 10);
    ck_assert_uint_gt(past_seen, ROUNDS);
    munmap(map, size);
    fake_free(busy);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("ledger_hostile");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, records_that_lie_do_not_lead_outside);
    tcase_add_test(tests, no_mutation_harms);
    tcase_add_test(tests, no_torn_slot_is_given);
    return suite_run("ledger_hostile", tests);
}
