/* Names of functions as demanglers write them, C++'s above all: their parts, and how to make them shorter. */
#ifndef THREADLEAK_FUNCTION_NAME_H
#define THREADLEAK_FUNCTION_NAME_H

#include <stddef.h>

/*
 * Where the arguments begin: the last bracket's beginning.  NULL: it has none, as in C and Rust, or
 * they are those of what a function returns ("void (*f(int))(char)"), or of operator() itself.
 */
const char *function_arguments(const char *name);

/* Templates have the type that they return before their name, "void f<int>": past that.  `end`: where
 * the arguments begin. */
const char *function_past_type(const char *name, const char *end);

/*
 * The name without what says least of the function, until it has at most `width` bytes: first without
 * the type that it returns, then its arguments as (...), then those of templates as <...> and of functions
 * that it is within as (...).  It may still be longer.  To be freed; NULL: out of memory.
 */
char *function_shorten(const char *name, size_t width);

#endif
