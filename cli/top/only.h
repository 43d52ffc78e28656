/* The process that `threadleak top` without a PID shows. */
#ifndef THREADLEAK_CLI_TOP_ONLY_H
#define THREADLEAK_CLI_TOP_ONLY_H

#include <sys/types.h>

#include "base/error.h"

/* The watched process of this user. 0 with an error: there is none, or there are several. */
pid_t only_watched_process(struct error *error);

#endif
