/* The registers of arguments and results, by DWARF's numbers (the psABI of each machine). */
#ifndef THREADLEAK_ATTACH_ARGS_H
#define THREADLEAK_ATTACH_ARGS_H

#if defined(__x86_64__)
enum { ARG_0 = 5, ARG_2 = 1, ARG_3 = 2, RESULT = 0 };
#else
enum { ARG_0 = 0, ARG_2 = 2, ARG_3 = 3, RESULT = 0 };
#endif

#endif
