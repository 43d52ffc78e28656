/*
 * Made-up ledgers for tests: a valid one is built record by record in memory,
 * damaged by the test if it likes, then written to a file or opened at once.
 *
 *     struct fake *fake = fake_new();
 *     uint32_t app = fake_module(fake, "/usr/bin/app", "\1\2\3\4", 4);
 *     uint32_t site = fake_site(fake, (ledger_pc[]){fake_pc(app, 0x1234), fake_pc(app, 0x999)}, 2);
 *     fake_thread(fake, &(struct fake_thread){.site = site, .state = SLOT_STARTED, .name = "worker"});
 *     fake_end(fake, LEDGER_END_EXIT, 0, true);
 *     struct ledger *ledger = fake_open(fake);
 *     …
 *     ledger_close(ledger);
 *     fake_free(fake);
 *
 * Every function aborts when memory or a section is full, because the test cannot continue.
 */
#ifndef THREADLEAK_TESTS_LEDGER_FAKE_H
#define THREADLEAK_TESTS_LEDGER_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ledger.h"
#include "ledger/ledger.h"

struct fake;

struct fake *fake_new(void);       /* room for 16384 threads, 1024 sites */
struct fake *fake_new_small(void); /* 16 threads, 8 sites: a whole ledger in 40 KiB */
void fake_free(struct fake *fake);

/* pid 4242, ppid 4241, ready, started at 1 s; everything in it may be changed. */
struct ledger_header *fake_header(struct fake *fake);
struct ledger_slot *fake_slot(struct fake *fake, uint32_t index);
struct ledger_site *fake_site_at(struct fake *fake, uint32_t index);
struct ledger_module *fake_module_at(struct fake *fake, uint32_t index);

uint32_t fake_string(struct fake *fake, const char *string); /* its offset */
void fake_exe(struct fake *fake, const char *path);
void fake_argv(struct fake *fake, const char *const *argv); /* NULL-terminated */

uint32_t fake_module(struct fake *fake, const char *path, const void *build_id, size_t build_id_len);
static inline ledger_pc fake_pc(uint32_t module, uint64_t offset)
{
    return (uint64_t)module << 48 | (offset & LEDGER_PC_OFFSET_MASK);
}

/* Frames leaf first; site 0 ("unknown") is there from the beginning. */
uint32_t fake_site(struct fake *fake, const ledger_pc *frames, uint32_t count);

/* What is 0 or NULL stays as the shim leaves it in a new record. */
struct fake_thread {
    uint32_t site;
    uint32_t state;      /* SLOT_* */
    uint64_t serial;     /* 0: the next one */
    uint64_t created_by; /* serial of the creator */
    uint32_t test;       /* fake_test() */
    uint64_t created_ns; /* 0: two seconds of the monotonic clock */
    uint64_t ended_ns;
    int32_t tid;
    ledger_pc start_pc; /* start routine; the site takes it over from its first thread */
    const char *name;
    char sample_state;
    uint64_t sample_cpu_ns;
};

/* Index of the slot.  Counts the thread in site and header, by its state:
 * created, ended, joined, detached, peak. */
uint32_t fake_thread(struct fake *fake, const struct fake_thread *thread);
/* n more threads of the site were created, ended and joined, at `join_pc`. */
void fake_joined(struct fake *fake, uint32_t site, uint32_t n, ledger_pc join_pc);
/* A test that began now; its number. */
uint32_t fake_test(struct fake *fake, const char *name);
struct ledger_test *fake_test_at(struct fake *fake, uint32_t index);
void fake_untracked(struct fake *fake, int32_t tid, const char *name);
void fake_end(struct fake *fake, enum ledger_end how, int status, bool judged);

/* An application, its library, a site whose stack goes through both, two of its threads, and three that were
 * joined at app+0x42; a task that was not seen. */
void fake_fill(struct fake *fake);

/* The whole ledger, as the mapping would show it; the fake's own. */
unsigned char *fake_bytes(struct fake *fake, size_t *size);
void fake_write(struct fake *fake, const char *path);
/* Opened with ledger_open_file; NULL, said on standard error, when refused. */
struct ledger *fake_open(struct fake *fake);
/* Reads all that the accessors give, as a user would; some sum of it. */
uint64_t fake_walk(const struct ledger *ledger);
/* A memfd with the bytes, and a path ("/proc/self/fd/N") under which it opens. */
int fake_memfd(struct fake *fake, char path[64]);

#endif
