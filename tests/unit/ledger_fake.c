#include "ledger_fake.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECOND 1000000000ull

struct fake {
    unsigned char *bytes;
    size_t size;
    struct ledger_header *header;
    int64_t alive; /* threads made so far that have not ended */
};

static void fail(const char *what)
{
    fprintf(stderr, "ledger_fake: no memory for %s\n", what);
    abort();
}

#define FAKE_STACKS 512u /* words */
#define FAKE_TESTS 16u

static struct fake *new_fake(uint32_t slots, uint32_t sites, uint32_t modules, uint32_t frames,
                             uint32_t strings)
{
    const uint32_t caps[SECTIONS] = {slots, sites, FAKE_STACKS, FAKE_TESTS, frames, modules, strings};
    struct ledger_header header = {
        .magic = LEDGER_MAGIC,
        .byte_order = LEDGER_BYTE_ORDER,
        .version = LEDGER_VERSION,
        .header_size = LEDGER_HEADER_SIZE,
        .ready = 1,
        .pid = 4242,
        .ppid = 4241,
        .started_ns = SECOND,
        .started_wall_ns = 1700000000 * SECOND,
        .tid_offset = -1,
        .next_serial = LEDGER_MAIN_SERIAL + 1,
    };
    uint64_t at = LEDGER_HEADER_SIZE;
    for (enum ledger_section s = 0; s < SECTIONS; s++) {
        header.sections[s] =
            (struct ledger_extent){.offset = at, .record_size = ledger_record_size(s), .cap = caps[s]};
        at = (at + (uint64_t)caps[s] * ledger_record_size(s) + 4095) & ~4095ull;
    }
    header.sections[SECTION_SITES].used = header.sections[SECTION_STRINGS].used = 1;
    header.total_size = at;

    struct fake *fake = calloc(1, sizeof(*fake));
    unsigned char *bytes = aligned_alloc(4096, at);
    if (!fake || !bytes)
        fail("a ledger");
    memset(bytes, 0, at);
    fake->bytes = bytes;
    fake->size = at;
    fake->header = (struct ledger_header *)bytes;
    memcpy(bytes, &header, sizeof(header));
    return fake;
}

struct fake *fake_new(void)
{
    return new_fake(16384, 1024, 256, 16384, 65536);
}

struct fake *fake_new_small(void)
{
    return new_fake(16, 8, 8, 64, 1024);
}

void fake_free(struct fake *fake)
{
    if (!fake)
        return;
    free(fake->bytes);
    free(fake);
}

struct ledger_header *fake_header(struct fake *fake)
{
    return fake->header;
}

struct ledger_slot *fake_slot(struct fake *fake, uint32_t index)
{
    return (struct ledger_slot *)(fake->bytes + fake->header->sections[SECTION_SLOTS].offset) + index;
}

struct ledger_site *fake_site_at(struct fake *fake, uint32_t index)
{
    return (struct ledger_site *)(fake->bytes + fake->header->sections[SECTION_SITES].offset) + index;
}

struct ledger_module *fake_module_at(struct fake *fake, uint32_t index)
{
    return (struct ledger_module *)(fake->bytes + fake->header->sections[SECTION_MODULES].offset) + index;
}

static uint32_t take(struct fake *fake, enum ledger_section section, size_t count, const char *what)
{
    struct ledger_extent *extent = &fake->header->sections[section];
    if (count > extent->cap - extent->used)
        fail(what);
    return (uint32_t)atomic_fetch_add(&extent->used, count);
}

static uint32_t store_string(struct fake *fake, const char *string, size_t n)
{
    uint32_t at = take(fake, SECTION_STRINGS, n + 1, "a string");
    memcpy(fake->bytes + fake->header->sections[SECTION_STRINGS].offset + at, string, n);
    return at;
}

uint32_t fake_string(struct fake *fake, const char *string)
{
    return store_string(fake, string, strlen(string));
}

void fake_exe(struct fake *fake, const char *path)
{
    fake->header->exe = fake_string(fake, path);
}

void fake_argv(struct fake *fake, const char *const *argv)
{
    fake->header->argc = 0;
    for (; argv[fake->header->argc]; fake->header->argc++) {
        uint32_t at = fake_string(fake, argv[fake->header->argc]);
        if (fake->header->argc == 0)
            fake->header->argv = at;
    }
}

uint32_t fake_module(struct fake *fake, const char *path, const void *build_id, size_t build_id_len)
{
    uint32_t index = take(fake, SECTION_MODULES, 1, "a module");
    struct ledger_module *module = fake_module_at(fake, index);
    if (build_id_len > sizeof(module->build_id))
        fail("a build-id");
    module->path = fake_string(fake, path);
    if (build_id_len)
        memcpy(module->build_id, build_id, build_id_len);
    module->build_id_len = (uint32_t)build_id_len;
    module->bias = 0x550000000000 + 0x10000000ull * index;
    module->start = module->bias;
    module->end = module->start + 0x1000000;
    return index;
}

uint32_t fake_site(struct fake *fake, const ledger_pc *frames, uint32_t count)
{
    uint32_t first = take(fake, SECTION_FRAMES, count, "frames");
    uint32_t index = take(fake, SECTION_SITES, 1, "a site");
    struct ledger_site *site = fake_site_at(fake, index);
    memcpy(fake->bytes + fake->header->sections[SECTION_FRAMES].offset + first * sizeof(ledger_pc), frames,
           count * sizeof(ledger_pc));
    site->frames = first;
    site->frame_count = count;
    return index;
}

static void count_thread(struct fake *fake, const struct fake_thread *thread, uint64_t created_ns)
{
    struct ledger_site *site = fake_site_at(fake, thread->site);
    bool ended = thread->state & SLOT_ENDED, detached = thread->state & SLOT_DETACHED;
    site->created++;
    site->last_ns = created_ns;
    site->detached += detached;
    if (site->created == 1)
        site->start_pc = thread->start_pc;
    if (ended) {
        site->ended_joinable += !detached;
        site->ended_detached += detached;
        site->joined += (thread->state & SLOT_JOINED) != 0;
        fake->header->over += (thread->state & SLOT_JOINED) != 0;
        return;
    }
    int64_t live = (int64_t)(site->created - site->ended_joinable - site->ended_detached);
    if (live > site->peak)
        site->peak = live;
    if (++fake->alive > fake->header->peak)
        fake->header->peak = fake->alive;
}

uint32_t fake_thread(struct fake *fake, const struct fake_thread *thread)
{
    uint32_t index = take(fake, SECTION_SLOTS, 1, "a thread");
    struct ledger_slot *slot = fake_slot(fake, index);
    uint64_t next = fake->header->next_serial;
    uint64_t serial = thread->serial ? thread->serial : next;

    slot->serial = serial;
    slot->state = thread->state;
    slot->site = thread->site;
    slot->handle = 0x7f0000000000 + 0x1000ull * serial;
    slot->start_pc = thread->start_pc;
    slot->created_ns = thread->created_ns ? thread->created_ns : 2 * SECOND;
    slot->ended_ns = thread->ended_ns;
    slot->created_by = thread->created_by;
    slot->test = thread->test;
    slot->tid = thread->tid;
    slot->sample_state = (unsigned char)thread->sample_state;
    slot->sample_cpu_ns = thread->sample_cpu_ns;
    if (thread->name) {
        strncpy((char *)slot->name, thread->name, sizeof(slot->name) - 1);
        slot->name_seq = 2;
    }
    if (serial >= next) { /* those left out: as if their creation had failed */
        fake->header->dropped += serial - next;
        fake->header->next_serial = serial + 1;
    }
    count_thread(fake, thread, slot->created_ns);
    return index;
}

void fake_joined(struct fake *fake, uint32_t site, uint32_t n, ledger_pc join_pc)
{
    struct ledger_site *record = fake_site_at(fake, site);
    record->created += n;
    record->joined += n;
    record->ended_joinable += n;
    fake->header->over += n;
    record->join_pc[0] = join_pc;
    record->joined_at[0] += n;
    record->peak = record->peak ? atomic_load(&record->peak) : 1;
    fake->header->peak = fake->header->peak ? atomic_load(&fake->header->peak) : 1;
    fake->header->next_serial += n;
}

struct ledger_test *fake_test_at(struct fake *fake, uint32_t index)
{
    return (struct ledger_test *)(fake->bytes + fake->header->sections[SECTION_TESTS].offset) + index;
}

uint32_t fake_test(struct fake *fake, const char *name)
{
    uint32_t index = take(fake, SECTION_TESTS, 1, "a test");
    struct ledger_test *test = fake_test_at(fake, index);
    test->began = fake->header->next_serial;
    snprintf(test->name, sizeof(test->name), "%s", name);
    test->number = 1u << LEDGER_TEST_BITS | index;
    test->hash = ledger_test_hash(test, test->number);
    return test->number;
}

void fake_untracked(struct fake *fake, int32_t tid, const char *name)
{
    uint32_t n = fake->header->untracked_count++;
    if (n >= LEDGER_UNTRACKED_MAX)
        return;
    fake->header->untracked[n].tid = tid;
    snprintf(fake->header->untracked[n].name, sizeof(fake->header->untracked[n].name), "%s", name);
}

void fake_end(struct fake *fake, enum ledger_end how, int status, bool judged)
{
    fake->header->end_status = status;
    fake->header->end_judged = judged;
    fake->header->end_ns = 10 * SECOND;
    fake->header->flags |= LEDGER_SAMPLED;
    fake->header->end = how;
}

void fake_fill(struct fake *fake)
{
    uint32_t app = fake_module(fake, "/usr/bin/app", "\1\2\3\4", 4);
    uint32_t lib = fake_module(fake, "/lib/libpool.so", NULL, 0);
    uint32_t site = fake_site(
        fake, (ledger_pc[]){fake_pc(lib, 0x1234), fake_pc(app, 0x999), fake_pc(LEDGER_NO_MODULE, 0x7000)}, 3);
    fake_exe(fake, "/usr/bin/app");
    fake_argv(fake, (const char *const[]){"./app", "", "-v", NULL});
    fake_thread(fake,
                &(struct fake_thread){.site = site, .state = SLOT_STARTED, .tid = 4243, .name = "worker"});
    fake_thread(fake,
                &(struct fake_thread){.site = site, .state = SLOT_ENDED, .ended_ns = 5, .created_by = 2});
    fake_joined(fake, site, 3, fake_pc(app, 0x42));
    fake_untracked(fake, 4250, "iou-wrk-1");
}

unsigned char *fake_bytes(struct fake *fake, size_t *size)
{
    *size = fake->size;
    return fake->bytes;
}

static void write_all(const struct fake *fake, int fd, const char *path)
{
    size_t done = 0;
    while (fd >= 0 && done < fake->size) {
        ssize_t n = write(fd, fake->bytes + done, fake->size - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    if (done < fake->size)
        fail(path);
}

void fake_write(struct fake *fake, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    write_all(fake, fd, path);
    close(fd);
}

int fake_memfd(struct fake *fake, char path[64])
{
    int fd = memfd_create("ledger_fake", MFD_CLOEXEC);
    write_all(fake, fd, "a memfd");
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

struct ledger *fake_open(struct fake *fake)
{
    char path[64];
    struct ledger *ledger = NULL;
    struct error error = {""};
    int fd = fake_memfd(fake, path);
    if (ledger_open_file(path, &ledger, &error) != LEDGER_OPEN_OK)
        fprintf(stderr, "ledger_fake: %s\n", error.text);
    close(fd);
    return ledger;
}

static uint64_t sum_of(const void *bytes, size_t size)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = sum * 31 + ((const unsigned char *)bytes)[i];
    return sum;
}

static uint64_t walk_string(const struct ledger *ledger, uint32_t offset)
{
    const char *string = ledger_get_string(ledger, offset);
    return sum_of(string, strlen(string));
}

static uint64_t walk_site(const struct ledger *ledger, const struct ledger_site *site)
{
    uint32_t count;
    const ledger_pc *frames = ledger_get_frames(ledger, site, &count);
    uint64_t sum = sum_of(site, sizeof(*site));
    for (uint32_t i = 0; i < count; i++) {
        const struct ledger_module *module = ledger_get_module(ledger, ledger_pc_module(frames[i]));
        if (module)
            sum += walk_string(ledger, module->path) + sum_of(module->build_id, module->build_id_len);
    }
    return sum;
}

uint64_t fake_walk(const struct ledger *ledger)
{
    const struct ledger_header *header = ledger_get_header(ledger);
    uint64_t sum = walk_string(ledger, header->exe) + walk_string(ledger, header->options);
    uint32_t at = header->argv;

    for (uint32_t i = 0; i < header->argc; i++) {
        const char *string = ledger_get_string(ledger, at);
        sum += sum_of(string, strlen(string));
        at += (uint32_t)strlen(string) + 1;
    }
    for (int i = 0; i < LEDGER_UNTRACKED_MAX; i++)
        sum += strlen(header->untracked[i].name);
    for (uint32_t i = 0; i < ledger_slot_count(ledger); i++) {
        struct ledger_slot slot;
        if (!ledger_get_slot(ledger, i, &slot))
            continue;
        const struct ledger_site *site = ledger_get_site(ledger, slot.site);
        sum += sum_of(&slot, sizeof(slot)) + (site ? walk_site(ledger, site) : 0);
    }
    for (uint32_t i = 0; i < ledger_site_count(ledger); i++)
        sum += walk_site(ledger, ledger_get_site(ledger, i));
    return sum;
}
