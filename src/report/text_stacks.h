/* Current stacks of threads in the text report. */
#ifndef THREADLEAK_REPORT_TEXT_STACKS_H
#define THREADLEAK_REPORT_TEXT_STACKS_H

#include "report/printer.h"

/* Blocks of threads that print_stacks() shows unless style.all asks for all. */
#define BLOCKS_SHOWN 6

/* The threads in lines, at most 8 unless `all`, when they have one stack and one wait.  Otherwise
 * print_stacks() names those of each block, and this prints nothing. */
void print_names(const struct printer *printer, const struct thread_info *threads, size_t count, bool all);

/* A block for each stack and wait: what the threads wait for, and the stack.  Prints nothing when no stack
 * was taken. */
void print_stacks(const struct printer *printer, const struct thread_info *threads, size_t count);

#endif
