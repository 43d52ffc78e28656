/* The ledger writer's state for a test, and what the shim calls for each event of a thread. */
#ifndef WRITER_MADE_H
#define WRITER_MADE_H

#include <stdatomic.h>

#include "preload/ledger/section.h"
#include "preload/ledger/thread.h"
#include "preload/ledger/thread_join.h"
#include "preload/shim/guard.h"

/* The part of glibc's descriptor of a thread that the writer reads.  A handle is the address of one.  Another
 * library's pthread_create may write other values to `start` and `arg`. */
struct descriptor {
    _Atomic uint64_t before[DESCRIPTOR_START];
    _Atomic uint64_t start, arg;
    _Atomic int32_t tid;
    struct shim_tls tls;
};
enum { MANY = 256 };

/* Before and after each test: an empty ledger. */
extern struct shim_state state;
extern struct descriptor descriptors[MANY];
void writer_begin(void);
void writer_finish(void);

/* The same site at each call. */
uint32_t make_site(void);
/* The same backtrace with another start routine. */
uint32_t make_site_of(void *start);
int64_t unjoined(const struct ledger_site *site);
int64_t live(const struct ledger_site *site);

pthread_t handle_of(struct descriptor *descriptor);
/* As pthread_create does before the thread can run. */
void hand_over(struct descriptor *descriptor, struct ledger_slot *slot);
/* A thread that has not run yet; `latest` describes it. */
struct ledger_slot *new_thread(uint32_t site, bool detached);
extern struct new_thread latest;
/* A joinable thread that has started. */
struct ledger_slot *run_thread(uint32_t site, struct descriptor *descriptor);
void detach(struct descriptor *descriptor);
bool is_free(const struct ledger_slot *slot);

#endif
