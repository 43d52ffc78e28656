#include "cli/serve/answer.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/escape.h"

void answer_error(struct answer *answer, unsigned status, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    rewind(answer->body.out);
    *answer = (struct answer){.status = status,
                              .type = "text/plain; charset=utf-8",
                              .header = {answer->header[0], answer->header[1]},
                              .body = answer->body};
    if (length >= 0)
        put_escaped(answer->body.out, text);
    putc('\n', answer->body.out);
    free(text);
}
