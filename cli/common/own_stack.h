/*
 * Runs the program on a stack of its own. The kernel's stack has the size of RLIMIT_STACK, which can be as
 * little as 64 KiB. libdw and the demangler need more.
 */
#ifndef THREADLEAK_CLI_COMMON_OWN_STACK_H
#define THREADLEAK_CLI_COMMON_OWN_STACK_H

#define OWN_STACK_SIZE (8ul << 20)

/* Returns what main returns. Without memory for a stack, main runs on the current stack. */
int run_on_own_stack(int (*main)(int argc, char **argv), int argc, char **argv);

#endif
