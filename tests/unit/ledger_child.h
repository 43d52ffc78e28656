/* A child process that maps a made-up ledger. */
#ifndef LEDGER_CHILD_H
#define LEDGER_CHILD_H

#include <sys/types.h>

#include "ledger_fake.h"

/* Of each test. */
extern char run_file[64];  /* a path as in the directory of a run; removed by tear_down */
extern pid_t ledger_child; /* 0: none */
void ledger_child_set_up(void);
void ledger_child_tear_down(void); /* ends the child */

/* Returns when the child has called prepare; it then pauses. */
pid_t ledger_child_start(void (*prepare)(void));

/* In the child: prepare, a byte to `ready`, and pause for ever. */
void ledger_child_run(void (*prepare)(void), int ready);
/* A ledger of one thread, of that process. */
struct fake *ledger_child_make(pid_t pid);
int ledger_memfd(void);
/* Maps a copy in that file, closes that, and frees the ledger. */
void hold_ledger(struct fake *fake, int fd);
/* The ledger of the child itself, where there is no run directory; and in run_file. */
void hold_memfd(void);
void hold_file(void);

#endif
