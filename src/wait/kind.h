/* Properties of each kind of wait, from kinds.def. */
#ifndef THREADLEAK_WAIT_KIND_H
#define THREADLEAK_WAIT_KIND_H

#include "wait/wait.h"

/* How the text of a wait shows its timeout. */
enum kind_timeout {
    TIMEOUT_IF_ANY,    /* ", a timeout of 5 s" */
    TIMEOUT_ALSO_NONE, /* the same, or ", no timeout" */
    TIMEOUT_IN_TEXT,   /* the text already has it: "sleep of 5 s" */
};
enum kind_timeout kind_timeout(enum wait_on on);

#endif
