/* What the threads that were asked have answered, and why the others have not. */
#ifndef THREADLEAK_STACKS_SIGNAL_CAPTURE_ANSWER_H
#define THREADLEAK_STACKS_SIGNAL_CAPTURE_ANSWER_H

#include "stacks/signal_capture_ask.h"

/* Gives the threads the stacks that capture->ledger has for them by now, and counts those
 * taken.  How many are still to come. */
size_t match_answers(const struct asking *asking);

/* When no more is waited for.  Those that did not answer are gone, block the signal by now,
 * or why not; those that were not known have begun since, perhaps. */
void explain_silence(struct asking *asking);

#endif
