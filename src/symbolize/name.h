/* Interned strings, and demangled names. */
#ifndef THREADLEAK_SYMBOLIZE_NAME_H
#define THREADLEAK_SYMBOLIZE_NAME_H

#include <stdbool.h>

/* A set of strings. Initialise it with NULL. */
typedef void *strings;

/* The interned copy of a string. NULL: for NULL, or out of memory. */
const char *strings_keep(strings *kept, const char *string);
void strings_release(strings *kept);

/* The interned name of a local symbol as its source has it: gcc names a static variable of a function m.0.
 * Not changed: a name with another dot (clang's main.m, m.constprop.0). */
const char *strings_keep_local(strings *kept, const char *name);

/* C++ (Itanium) or Rust, legacy or v0. */
bool is_mangled(const char *name);

/* The interned, demangled name; or the name itself if it is not mangled. */
const char *strings_keep_demangled(strings *kept, const char *name);

#endif
