/*
 * Reads the ledger of a live process again and again, for samplers. It is found and opened once, because
 * /proc/PID/maps of a process with 10,000 threads has 20,000 lines.
 */
#ifndef THREADLEAK_LEDGER_FOLLOW_H
#define THREADLEAK_LEDGER_FOLLOW_H

#include "ledger/ledger.h"

struct followed_ledger;

/* NOT_WATCHED: the process has no ledger (yet). */
enum ledger_open_status ledger_follow(pid_t pid, struct followed_ledger **followed, struct error *error);
/*
 * As it is now. Its tids stay those of the process (ledger_use_tids_here). After the end of the process it
 * can still be read, if the process ended while it was followed: ledger_get_header(ledger)->end.
 */
enum ledger_open_status ledger_follow_read(const struct followed_ledger *followed, struct ledger **ledger,
                                           struct error *error);
void ledger_follow_end(struct followed_ledger *followed); /* NULL: nothing */

#endif
