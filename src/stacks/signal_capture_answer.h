/* What the threads that were asked have answered, and why others have not. */
#ifndef THREADLEAK_STACKS_SIGNAL_CAPTURE_ANSWER_H
#define THREADLEAK_STACKS_SIGNAL_CAPTURE_ANSWER_H

#include "stacks/signal_capture_ask.h"

/* Sets the stacks that capture->ledger has by now.  How many are still to come. */
size_t match_answers(const struct asking *asking);

/* Sets the reasons of those without a stack, once no more answers are waited for. */
void explain_silence(struct asking *asking);

#endif
