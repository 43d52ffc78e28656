/* Ledgers in files: what they contain is read, and each defect has its message. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger_fake.h"
#include "suite.h"

#define VERSION_TEXT "8"
_Static_assert(LEDGER_VERSION == 8, "VERSION_TEXT follows it");

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

/* The error is the path and then `expected`. */
static void refused(const char *expected)
{
    struct ledger *ledger = (struct ledger *)fake;
    struct error error = {""};
    char text[512];

    fd = fake_memfd(fake, path);
    ck_assert_int_eq(ledger_open_file(path, &ledger, &error), LEDGER_OPEN_FAILED);
    ck_assert_ptr_null(ledger);
    snprintf(text, sizeof(text), "%s%s", path, expected);
    ck_assert_str_eq(error.text, text);
    close(fd);
    fd = -1;
}

static struct ledger *opened(void)
{
    struct ledger *ledger = fake_open(fake);
    ck_assert_ptr_nonnull(ledger);
    return ledger;
}

START_TEST(what_was_written_is_read)
{
    fake_fill(fake);
    fake_end(fake, LEDGER_END_EXIT, 3, true);
    struct ledger *ledger = opened();
    const struct ledger_header *header = ledger_get_header(ledger);
    ck_assert_int_eq(header->pid, 4242);
    ck_assert_uint_eq(header->end, LEDGER_END_EXIT);
    ck_assert_int_eq(header->end_status, 3);
    ck_assert_int_eq(header->untracked[0].tid, 4250);
    ck_assert_str_eq(ledger_get_string(ledger, header->exe), "/usr/bin/app");
    ck_assert_uint_eq(header->argc, 3);
    ck_assert_str_eq(ledger_get_string(ledger, header->argv), "./app");
    ck_assert_str_eq(ledger_get_string(ledger, header->argv + 6), "");
    ck_assert_str_eq(ledger_get_string(ledger, header->argv + 7), "-v");

    struct ledger_slot slot;
    ck_assert_uint_eq(ledger_slot_count(ledger), 2);
    ck_assert(ledger_get_slot(ledger, 1, &slot));
    ck_assert_uint_eq(slot.serial, 3);
    ck_assert_uint_eq(slot.created_by, 2);
    ck_assert(ledger_get_slot(ledger, 0, &slot));
    ck_assert_int_eq(slot.tid, 4243);
    ck_assert_str_eq((const char *)slot.name, "worker");
    ck_assert(!ledger_get_slot(ledger, 2, &slot));
    ck_assert(!ledger_get_slot(ledger, UINT32_MAX, &slot));

    uint32_t count;
    ck_assert_uint_eq(ledger_site_count(ledger), 2);
    ck_assert_ptr_null(ledger_get_site(ledger, 2));
    const struct ledger_site *site = ledger_get_site(ledger, slot.site);
    ck_assert_uint_eq(site->created, 5);
    ck_assert_uint_eq(site->ended_joinable, 4);
    ck_assert_uint_eq(site->joined, 3);
    ck_assert_uint_eq(header->next_serial - 2 - header->dropped - header->over, 2);
    const ledger_pc *frames = ledger_get_frames(ledger, site, &count);
    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(ledger_pc_offset(frames[0]), 0x1234);
    const struct ledger_module *module = ledger_get_module(ledger, ledger_pc_module(frames[1]));
    ck_assert_str_eq(ledger_get_string(ledger, module->path), "/usr/bin/app");
    ck_assert_uint_eq(module->build_id_len, 4);
    ck_assert_mem_eq(module->build_id, "\1\2\3\4", 4);
    ck_assert_ptr_null(ledger_get_module(ledger, ledger_pc_module(frames[2])));
    ledger_get_frames(ledger, ledger_get_site(ledger, 0), &count);
    ck_assert_uint_eq(count, 0);
    ledger_close(ledger);
}
END_TEST

START_TEST(an_empty_ledger_is_one)
{
    struct ledger *ledger = opened();
    ck_assert_uint_eq(ledger_slot_count(ledger), 0);
    ck_assert_uint_eq(ledger_site_count(ledger), 1);
    ck_assert_str_eq(ledger_get_string(ledger, 0), "");
    ck_assert_str_eq(ledger_get_string(ledger, 99), "");
    ck_assert_ptr_null(ledger_get_module(ledger, 0));
    ledger_close(ledger);
    ledger_close(NULL);
}
END_TEST

START_TEST(free_slots_are_not_given)
{
    fake_fill(fake);
    struct ledger_slot slot;
    fake_slot(fake, 0)->serial = 0;
    struct ledger *ledger = opened();
    ck_assert_uint_eq(ledger_slot_count(ledger), 2);
    ck_assert(!ledger_get_slot(ledger, 0, &slot));
    ck_assert(ledger_get_slot(ledger, 1, &slot));
    ledger_close(ledger);
}
END_TEST

START_TEST(a_name_cut_off_by_a_kill_is_dropped)
{
    fake_fill(fake);
    struct ledger_slot slot;
    fake_slot(fake, 0)->name_seq = 3;
    struct ledger *ledger = opened();
    ck_assert(ledger_get_slot(ledger, 0, &slot));
    ck_assert_uint_eq(slot.name_seq, 0);
    ck_assert_uint_eq(slot.name[0], 0);
    ledger_close(ledger);
}
END_TEST

START_TEST(not_a_ledger)
{
    fake_header(fake)->magic[3] = '?';
    refused(" is neither a core file, nor a ledger, nor the directory of a run");
}
END_TEST

START_TEST(another_byte_order)
{
    fake_header(fake)->byte_order = 0x04030201;
    fake_header(fake)->version = 1u << 24;
    refused(" was written on a machine of the other byte order; report it on such a machine");
}
END_TEST

START_TEST(another_version)
{
    fake_header(fake)->version = LEDGER_VERSION + 1;
    fake_header(fake)->sections[SECTION_SLOTS].record_size = 200;
    refused(" is of ledger version 9; this threadleak reads " VERSION_TEXT
            ": use the threadleak that wrote it");
}
END_TEST

START_TEST(another_layout)
{
    struct ledger_header *header = fake_header(fake);
    uint32_t *fields[] = {&header->header_size, &header->byte_order};
    *(_i < SECTIONS ? &header->sections[_i].record_size : fields[_i - SECTIONS]) += 8;
    refused(" is damaged: its header is not that of a version " VERSION_TEXT " ledger");
}
END_TEST

START_TEST(not_begun)
{
    fake_header(fake)->ready = 0;
    refused(" is empty: its process had recorded nothing yet");
}
END_TEST

static void refused_at_size(size_t size, const char *expected)
{
    struct ledger *ledger;
    struct error error = {""};
    char text[512];
    ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
    ck_assert_int_eq(ledger_open_file(path, &ledger, &error), LEDGER_OPEN_FAILED);
    snprintf(text, sizeof(text), "%s%s", path, expected);
    ck_assert_str_eq(error.text, text);
}

START_TEST(truncated)
{
    size_t full;
    char expected[128];
    fake_fill(fake);
    fake_bytes(fake, &full);
    fd = fake_memfd(fake, path);
    for (size_t size = full - 1; size >= 4096; size -= size > 4100 ? 4 : 1) {
        snprintf(expected, sizeof(expected), " is truncated: %zu bytes of %zu", size, full);
        refused_at_size(size, expected);
    }
    refused_at_size(100, " is truncated: 100 bytes, its header needs 4096");
    refused_at_size(8, " is truncated: 8 bytes, its header needs 4096");
    refused_at_size(7, " is neither a core file, nor a ledger, nor the directory of a run");
    refused_at_size(0, " is neither a core file, nor a ledger, nor the directory of a run");
}
END_TEST

START_TEST(offsets_outside)
{
    static const char *const names[] = {"slots",  "sites",   "current stacks", "tests",
                                        "frames", "modules", "strings"};
    const uint64_t bad[] = {
        0, 4088, 4097, UINT64_MAX, UINT64_MAX - 7, 1ull << 63, fake_header(fake)->total_size + 8};
    struct ledger_header *header = fake_header(fake);
    uint64_t *offset = &header->sections[_i].offset;
    uint32_t *cap = &header->sections[_i].cap;
    char text[128];

    snprintf(text, sizeof(text), " is damaged: its %s lie outside of it", names[_i]);
    uint64_t good_offset = *offset;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        *offset = bad[i];
        refused(text);
    }
    *offset = good_offset;
    *cap = UINT32_MAX;
    refused(text);
    *cap = (uint32_t)header->total_size;
    refused(text);
}
END_TEST

static struct ledger_stack *put_current(uint32_t word, uint64_t stamp, uint32_t frames)
{
    struct ledger_header *header = fake_header(fake);
    unsigned char *bytes = fake_bytes(fake, &(size_t){0});
    struct ledger_stack *current =
        (void *)(bytes + header->sections[SECTION_STACKS].offset + word * sizeof(uint64_t));
    current->frame_count = frames;
    for (uint32_t i = 0; i < frames; i++)
        current->frames[i] = fake_pc(0, 0x1000 + i);
    current->hash = ledger_stack_hash(current, stamp);
    atomic_store(&current->stamp, stamp);
    return current;
}

START_TEST(current_stacks_that_are_whole)
{
    uint32_t at = 0, n = 0;
    const struct ledger_stack *current;
    put_current(0, 1ull << 32 | 7, 3);
    put_current(8, 1ull << 32 | 8, 3)->frames[1]++; /* torn */
    put_current(16, 1ull << 32 | 9, 3)->stamp++;    /* another's */
    put_current(24, 0, 3);                          /* not finished */
    put_current(32, 1ull << 32 | 10, 12);           /* over three grains */
    put_current(56, 1ull << 32 | 11, 4);            /* beyond what is in use */
    put_current(72, 1ull << 32 | 12, 3)->frame_count = UINT32_MAX;
    static const uint32_t tids[] = {7, 10, 11};
    for (uint32_t used = 60; used <= 80; used += 4) { /* also in the middle of a record */
        fake_header(fake)->sections[SECTION_STACKS].used = 1ull << 32 | used;
        struct ledger *ledger = opened();
        for (at = n = 0; (current = ledger_next_stack(ledger, &at)); n++)
            ck_assert_uint_eq((uint32_t)current->stamp, tids[n]);
        ck_assert_uint_eq(n, used < 68 ? 2 : 3);
        ledger_close(ledger);
    }
}
END_TEST

START_TEST(more_used_than_there_is)
{
    static const char *const names[] = {"slots",  "sites",   "current stacks", "tests",
                                        "frames", "modules", "strings"};
    struct ledger_header *header = fake_header(fake);
    char text[128];
    uint32_t cap = header->sections[_i].cap;
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t used = i ? UINT32_MAX : cap + 1;
        header->sections[_i].used = used;
        snprintf(text, sizeof(text), " is damaged: it cannot hold %u %s", used, names[_i]);
        refused(text);
    }
}
END_TEST

START_TEST(a_hole_of_a_terabyte_is_refused)
{
    struct ledger_header *header = fake_header(fake);
    header->total_size = 1ull << 40;
    header->sections[SECTION_SLOTS].offset = 1ull << 39;
    header->sections[SECTION_SLOTS].cap = UINT32_MAX;
    header->sections[SECTION_SLOTS].used = UINT32_MAX;
    fd = fake_memfd(fake, path);
    if (ftruncate(fd, 1ll << 40) != 0) {
        skip("no file of that size here: %s", strerror(errno));
        return;
    }
    refused_at_size(1ull << 40, " is damaged: it cannot hold 4294967295 slots");
}
END_TEST

START_TEST(only_what_is_used_is_read)
{
    /* 64 GiB of holes, as the shim lays them out, only more of them. */
    struct ledger_header *header = fake_header(fake);
    fake_fill(fake);
    header->total_size = 1ull << 36;
    header->sections[SECTION_SLOTS].cap = 1u << 20;
    header->sections[SECTION_STRINGS].cap = 1u << 30;
    fd = fake_memfd(fake, path);
    if (ftruncate(fd, 1ll << 36) != 0) {
        skip("no file of that size here: %s", strerror(errno));
        return;
    }
    struct ledger *ledger;
    struct error error = {""};
    struct stat st;
    ck_assert_msg(ledger_open_file(path, &ledger, &error) == LEDGER_OPEN_OK, "%s", error.text);
    ck_assert_uint_eq(ledger_slot_count(ledger), 2);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_int_lt(st.st_blocks, 1000);
    ledger_close(ledger);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    struct ledger *ledger;
    struct error error = {""};
    ck_assert_int_eq(ledger_open_file("/no/such", &ledger, &error), LEDGER_OPEN_FAILED);
    ck_assert_str_eq(error.text, "/no/such: No such file or directory");
    ck_assert_int_eq(ledger_open_file("/tmp", &ledger, &error), LEDGER_OPEN_FAILED);
    ck_assert_str_eq(error.text, "/tmp is not a threadleak ledger: it is not a regular file");
    ck_assert_int_eq(ledger_open_file("/dev/zero", &ledger, &error), LEDGER_OPEN_FAILED);
    ck_assert_str_eq(error.text, "/dev/zero is not a threadleak ledger: it is not a regular file");
    ck_assert_int_eq(mkfifo("check_ledger_read.fifo", 0600), 0);
    ck_assert_int_eq(ledger_open_file("check_ledger_read.fifo", &ledger, &error), LEDGER_OPEN_FAILED);
    unlink("check_ledger_read.fifo");
    ck_assert_ptr_null(ledger);
    ck_assert_int_eq(ledger_open_file("/no/\033[31m\nsuch", &ledger, &error), LEDGER_OPEN_FAILED);
    ck_assert_str_eq(error.text, "/no/?[31m?such: No such file or directory");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("ledger_read");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_was_written_is_read);
    tcase_add_test(tests, an_empty_ledger_is_one);
    tcase_add_test(tests, free_slots_are_not_given);
    tcase_add_test(tests, a_name_cut_off_by_a_kill_is_dropped);
    tcase_add_test(tests, not_a_ledger);
    tcase_add_test(tests, another_byte_order);
    tcase_add_test(tests, another_version);
    tcase_add_loop_test(tests, another_layout, 0, SECTIONS + 2);
    tcase_add_test(tests, not_begun);
    tcase_add_test(tests, truncated);
    tcase_add_loop_test(tests, offsets_outside, 0, SECTIONS);
    tcase_add_test(tests, current_stacks_that_are_whole);
    tcase_add_loop_test(tests, more_used_than_there_is, 0, SECTIONS);
    tcase_add_test(tests, a_hole_of_a_terabyte_is_refused);
    tcase_add_test(tests, only_what_is_used_is_read);
    tcase_add_test(tests, what_is_no_file_is_refused);
    return suite_run("ledger_read", tests);
}
