/* What the kernel's records become: rings, the table, the ledger of an attached process. */
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach/recorder.h"
#include "attach/ring.h"
#include "attach/table.h"
#include "ledger/ledger.h"
#include "suite.h"

/* ---- the table ------------------------------------------------------------------------- */

START_TEST(table_finds_what_is_in_it)
{
    enum { KEYS = 500, STEPS = 20000 };
    struct table table = {0};
    uint64_t values[KEYS + 1] = {0};
    srand(7);
    ck_assert_uint_eq(table_find(&table, 1), 0);
    for (uint64_t step = 1; step <= STEPS; step++) {
        uint64_t key = 1 + (uint64_t)rand() % KEYS;
        if (rand() % 2) {
            ck_assert(table_set(&table, key, step));
            values[key] = step;
        } else {
            table_remove(&table, key);
            values[key] = 0;
        }
    }
    for (uint64_t key = 1; key <= KEYS; key++)
        ck_assert_uint_eq(table_find(&table, key), values[key]);
    table_release(&table);
}
END_TEST

/* ---- records of the kernel ---------------------------------------------------------------- */

static unsigned same(unsigned dwarf)
{
    return dwarf;
}

struct made {
    unsigned char bytes[1024];
    size_t size;
};

static void put(struct made *made, const void *bytes, size_t size)
{
    memcpy(made->bytes + made->size, bytes, size);
    made->size += size;
}

static void put_number(struct made *made, uint64_t number)
{
    put(made, &number, sizeof(number));
}

static void begin(struct made *made, uint32_t type, uint16_t misc)
{
    struct perf_event_header header = {.type = type, .misc = misc};
    made->size = 0;
    put(made, &header, sizeof(header));
}

static struct perf_ring ring_of(struct made *made)
{
    return (struct perf_ring){.record = made->bytes, .record_size = made->size};
}

static const struct perf_probe probes[] = {{.stack = 0}, {.stack = 16}};
static const struct perf_id ids[] = {{100, 0}, {200, 1}};
static const struct perf_decoder decoder = {ids, 2, probes, same};

static void make_hit(struct made *made)
{
    uint32_t task[2] = {7, 8};
    begin(made, PERF_RECORD_SAMPLE, 0);
    put_number(made, 200);
    put(made, task, sizeof(task));
    put_number(made, 12345);
    put_number(made, PERF_SAMPLE_REGS_ABI_64);
    for (uint64_t i = 0; i < SNAPSHOT_REGS; i++)
        put_number(made, 1000 + i);
    put_number(made, 16);
    put_number(made, 0xaaaa);
    put_number(made, 0xbbbb);
    put_number(made, 8); /* only so many bytes could be read */
}

START_TEST(a_hit_has_registers_and_stack)
{
    struct made made;
    struct perf_record record;
    make_hit(&made);
    struct perf_ring ring = ring_of(&made);
    ck_assert(perf_decode(&decoder, &ring, &record));
    ck_assert_int_eq(record.kind, PERF_HIT);
    ck_assert_uint_eq(record.probe, 1);
    ck_assert_int_eq(record.pid, 7);
    ck_assert_int_eq(record.tid, 8);
    ck_assert_uint_eq(record.ns, 12345);
    ck_assert(record.has_regs);
    ck_assert_uint_eq(record.regs[SNAPSHOT_REG_PC], 1000 + SNAPSHOT_REG_PC);
    ck_assert_uint_eq(record.stack_size, 8);
    ck_assert_uint_eq(record.stack[0], 0xaa);
    free(record.stack);
}
END_TEST

START_TEST(a_record_that_is_cut_is_refused)
{
    struct made made;
    struct perf_record record;
    make_hit(&made);
    for (size_t size = made.size; size-- > 0;) {
        struct perf_ring ring = ring_of(&made);
        ring.record_size = size;
        ck_assert(!perf_decode(&decoder, &ring, &record));
    }
}
END_TEST

START_TEST(starts_and_names)
{
    struct made made;
    struct perf_record record;
    uint32_t task[4] = {7, 7, 9, 8};
    begin(&made, PERF_RECORD_FORK, 0);
    put(&made, task, sizeof(task));
    put_number(&made, 0);
    put_number(&made, 0); /* pid and tid */
    put_number(&made, 55);
    put_number(&made, 100);
    struct perf_ring ring = ring_of(&made);
    ck_assert(perf_decode(&decoder, &ring, &record));
    ck_assert_int_eq(record.kind, PERF_BEGIN);
    ck_assert_int_eq(record.tid, 9);
    ck_assert_int_eq(record.by, 8);
    ck_assert_uint_eq(record.ns, 55);

    begin(&made, PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC);
    put(&made, task, 8);
    put(&made, "worker-1\0\0\0\0\0\0\0", 16);
    put_number(&made, 0);
    put_number(&made, 56);
    put_number(&made, 100);
    ring = ring_of(&made);
    ck_assert(perf_decode(&decoder, &ring, &record));
    ck_assert_int_eq(record.kind, PERF_NAME);
    ck_assert_str_eq(record.name, "worker-1");
    ck_assert(record.exec);
}
END_TEST

/* ---- the ledger ------------------------------------------------------------------------------- */

static const struct code_address code = {.module = "/x/y", .offset = 0x10, .pc = 0x5010};

static struct writer *new_writer(void)
{
    struct error error = {""};
    struct nptl nptl = {0};
    if (geteuid() != 0 && !getenv("XDG_RUNTIME_DIR"))
        setenv("XDG_RUNTIME_DIR", "/tmp", 1);
    struct writer *writer = writer_new(getpid(), &nptl, &error);
    ck_assert_msg(writer != NULL, "%s", error.text);
    return writer;
}

static struct ledger *read_again(void)
{
    struct ledger *ledger;
    struct error error = {""};
    ck_assert_msg(ledger_open_process(getpid(), &ledger, &error) == LEDGER_OPEN_OK, "%s", error.text);
    return ledger;
}

static uint32_t add_thread(struct writer *writer, uint32_t site, pid_t tid)
{
    struct writer_thread thread = {.site = site, .tid = tid, .created_by_tid = getpid(), .ns = 5};
    return writer_add(writer, &thread);
}

START_TEST(a_ledger_is_read_while_it_is_written)
{
    struct writer *writer = new_writer();
    ledger_pc frame = writer_code(writer, &code);
    ck_assert_uint_eq(writer_code(writer, &code), frame);
    uint32_t site = writer_site(writer, &frame, 1, 0, 0x5010, frame);
    ck_assert_uint_ne(site, 0);
    ck_assert_uint_eq(writer_site(writer, &frame, 1, 0, 0x5010, frame), site);
    uint32_t first = add_thread(writer, site, 11), second = add_thread(writer, site, 12);
    writer_set_name(writer, first, "a name");
    writer_ended(writer, second, 9);

    struct ledger *ledger = read_again();
    const struct ledger_site *read = ledger_get_site(ledger, site);
    struct ledger_slot slot;
    ck_assert_uint_eq(read->created, 2);
    ck_assert_uint_eq(read->ended_joinable, 1);
    ck_assert(ledger_get_slot(ledger, first, &slot));
    ck_assert_int_eq(slot.tid, 11);
    ck_assert_uint_eq(slot.created_by, LEDGER_MAIN_SERIAL);
    ck_assert_str_eq((const char *)slot.name, "a name");
    ck_assert(ledger_get_slot(ledger, second, &slot));
    ck_assert_uint_eq(ledger_slot_kind(slot.state), KIND_UNJOINED);
    ledger_close(ledger);

    writer_joined(writer, second, 0x5010, frame);
    ledger = read_again();
    ck_assert(!ledger_get_slot(ledger, second, &slot));
    ck_assert_uint_eq(ledger_get_site(ledger, site)->joined, 1);
    ck_assert_uint_eq(ledger_get_site(ledger, site)->joined_at[0], 1);
    ledger_close(ledger);
    writer_free(writer);
}
END_TEST

/* Nothing that is over stays in use. */
START_TEST(slots_are_used_again)
{
    struct writer *writer = new_writer();
    for (int i = 0; i < 1000; i++) {
        uint32_t slot = add_thread(writer, 0, 100 + i);
        ck_assert_uint_eq(slot, 0);
        writer_ended(writer, slot, 9);
        if (i % 2)
            writer_released(writer, slot);
        else
            writer_detached(writer, slot, 0, 0);
        ck_assert_ptr_null(writer_slot(writer, slot));
    }
    writer_free(writer);
}
END_TEST

START_TEST(one_writer_for_a_process)
{
    struct error error = {""};
    struct nptl nptl = {0};
    struct writer *writer = new_writer();
    ck_assert_ptr_null(writer_new(getpid(), &nptl, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "is already attached"));
    writer_free(writer);
    writer_free(new_writer());
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("attach");
    tcase_add_test(tests, table_finds_what_is_in_it);
    tcase_add_test(tests, a_hit_has_registers_and_stack);
    tcase_add_test(tests, a_record_that_is_cut_is_refused);
    tcase_add_test(tests, starts_and_names);
    tcase_add_test(tests, a_ledger_is_read_while_it_is_written);
    tcase_add_test(tests, slots_are_used_again);
    tcase_add_test(tests, one_writer_for_a_process);
    return suite_run("attach", tests);
}
