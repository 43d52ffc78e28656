/* The options that a watched process goes by, as its ledger tells them. */
#ifndef THREADLEAK_LEDGER_OPTIONS_H
#define THREADLEAK_LEDGER_OPTIONS_H

#include "ledger_read.h"
#include "options.h"

/* In the syntax of THREADLEAK_OPTIONS; "": none. */
const char *ledger_options_text(const struct ledger *ledger, enum ledger_options part);

/* All of them, over the defaults.  What is not understood is skipped: the process said so. */
void ledger_options_read(const struct ledger *ledger, struct options *options);

#endif
