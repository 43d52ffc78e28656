/* Waits of libstdc++ and libc++ for a futex: which object of C++ it belongs to. */
#ifndef THREADLEAK_WAIT_CXX_H
#define THREADLEAK_WAIT_CXX_H

#include "wait/view.h"

/* "std::future"; NULL: none is known. */
const char *cxx_object(const struct view *view);
/* Is this a word of the library for which the waiters of many objects wait? */
bool cxx_is_shared_word(const char *symbol);

#endif
