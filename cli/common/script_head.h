/* The first line of a script, read as the kernel reads it. */
#ifndef THREADLEAK_CLI_COMMON_SCRIPT_HEAD_H
#define THREADLEAK_CLI_COMMON_SCRIPT_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#define SCRIPT_HEAD_SIZE 256 /* BINPRM_BUF_SIZE, linux/binfmts.h: the kernel reads no more */

/* Splits "#! interpreter [argument]", which has `length` bytes and room for one more.  The rest of the line
 * after the interpreter is one argument, or "".  False: the kernel refuses it (ENOEXEC). */
bool script_head_read(char *line, size_t length, char **interpreter, char **argument);

/* The PROGRAM of "#!/usr/bin/env [-S] PROGRAM …", or NULL.  Changes `argument`. */
const char *script_env_program(const char *interpreter, char *argument);

#endif
