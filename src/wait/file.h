/* How descriptors are called in a text. */
#ifndef THREADLEAK_WAIT_FILE_H
#define THREADLEAK_WAIT_FILE_H

#include <fcntl.h>

#include "wait/files.h"
#include "base/line.h"

/* "socket 5 (TCP listening on *:80)" */
void line_add_file(struct line *line, struct files *files, const struct open_file *file);

#endif
