/* What kinds.def says of each kind of wait. */
#ifndef THREADLEAK_WAIT_KIND_H
#define THREADLEAK_WAIT_KIND_H

#include "wait/wait.h"

/* What the text of a wait says of its timeout. */
enum kind_timeout {
    TIMEOUT_IF_ANY,    /* ", a timeout of 5 s" */
    TIMEOUT_ALSO_NONE, /* the same, or ", no timeout" */
    TIMEOUT_IN_TEXT,   /* the function that describes it has said it: "sleep of 5 s" */
};
enum kind_timeout kind_timeout(enum wait_on on);

#endif
