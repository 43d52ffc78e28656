/*
 * What keeps a function of a target in its backtraces, whatever the compiler.
 */
#ifndef ATTRIBUTES_H
#define ATTRIBUTES_H

#if defined(__clang__)
#define NOINLINE __attribute__((noinline))
#define OPAQUE __attribute__((noinline, optnone))
#else
#define NOINLINE __attribute__((noinline, noclone))
/* Nothing that callers know about the function changes it. */
#define OPAQUE __attribute__((noinline, noipa))
#endif

#endif
