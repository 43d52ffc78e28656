/* Programs that run code of their own users: the frames of their stacks are those of the interpreter. */
#ifndef THREADLEAK_REPORT_COMMON_INTERPRETER_H
#define THREADLEAK_REPORT_COMMON_INTERPRETER_H

#include <stdbool.h>

#include "leak/model.h"

struct interpreter {
    const char *language; /* "Python" */
    const char
        *tool;   /* "py-spy dump --pid": prints the stacks of a live process in its language; NULL: none */
    bool folded; /* frames of its module only interpret, so that many in a row say nothing */
    const char *modules[3]; /* beginnings of the names of its files, before a version or a suffix */
};

/* The interpreter that the frame is of; NULL: of none. By the name of its module. */
const struct interpreter *frame_interpreter(const struct frame *frame);

/* The first one among the frames that has a tool. NULL: there is none. */
const struct interpreter *stack_interpreter(const struct frame *frames, size_t count);

/* One that has a tool and of which the process has a stack. Of each group and kind of threads, one thread is
 * checked. NULL: there is none. */
const struct interpreter *process_interpreter(const struct process_report *process);

#endif
