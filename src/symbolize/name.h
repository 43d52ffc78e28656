/* Strings that are kept once, and demangled names. */
#ifndef THREADLEAK_SYMBOLIZE_NAME_H
#define THREADLEAK_SYMBOLIZE_NAME_H

#include <stdbool.h>

/* A set of strings; begins as NULL. */
typedef void *strings;

/* The kept copy of a string, or NULL: of NULL, or out of memory. */
const char *strings_keep(strings *kept, const char *string);
void strings_release(strings *kept);

/* C++ (Itanium) or Rust, legacy or v0. */
bool is_mangled(const char *name);

/* The kept, demangled form; the name itself where it has none. */
const char *strings_keep_demangled(strings *kept, const char *name);

#endif
