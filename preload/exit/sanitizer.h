/* Sanitizers that are linked to the program. */
#ifndef THREADLEAK_PRELOAD_EXIT_SANITIZER_H
#define THREADLEAK_PRELOAD_EXIT_SANITIZER_H

/* Registers a function that a sanitizer calls before it ends the process by a system call. The program's own
 * one replaces it. Call it before the program's constructors run. */
void sanitizer_start(void (*on_death)(void));

#endif
