/* The answer to a request, in memory. */
#ifndef THREADLEAK_CLI_SERVE_ANSWER_H
#define THREADLEAK_CLI_SERVE_ANSWER_H

#include <stdio.h>

#include "base/text.h"

struct answer {
    unsigned status;
    const char *type;      /* Content-Type */
    const char *file;      /* name under which a browser saves it; NULL: it shows it */
    const char *header[2]; /* one more header and its value; NULL: none */
    struct text_buffer body;
};

/* Replaces what was printed by one line of text. */
void answer_error(struct answer *answer, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
