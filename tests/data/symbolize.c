/*
 * For tests/check_symbolize.c: prints where each call of mark() returns to, as
 * the file counts it.  A comment names the line of each call in a chain.
 */
#include <link.h>
#include <stdio.h>
#include <stdlib.h>

#define INLINE static inline __attribute__((always_inline))
#define OUTLINE __attribute__((noinline))

volatile int sink;
static ElfW(Addr) base;

static int find_base(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    (void)data;
    base = info->dlpi_addr;
    return 1; /* the first is the program */
}

void print_place(const char *name, const void *address)
{
    printf("%s %#lx\n", name, (unsigned long)address - base);
}

OUTLINE void mark(const char *name)
{
    print_place(name, __builtin_return_address(0));
    sink++;
}

/* Does not return, and the compiler knows: nothing follows a call of it. */
OUTLINE _Noreturn void mark_and_exit(const char *name)
{
    print_place(name, __builtin_return_address(0));
    exit(sink == -1);
}

OUTLINE void plain(void)
{
    mark("plain"); /* plain */
    sink++;
}

OUTLINE static void hidden(void)
{
    mark("hidden"); /* hidden */
    sink++;
}

INLINE void inner(int n)
{
    sink += n;
    mark("chain"); /* chain inner */
    sink += n;
}

INLINE void middle(int n)
{
    sink -= n;
    inner(n + 1); /* chain middle */
    sink -= n;
}

OUTLINE void outer(int n)
{
    for (int i = 0; i < n; i++) {
        int twice = 2 * i + sink;
        middle(twice); /* chain outer */
        sink += twice;
    }
}

/* Nobody calls it: -ffunction-sections and --gc-sections drop it.  Longer than all else, unless SHORT. */
OUTLINE void dropped(void)
{
#define TIMES_4(x) x x x x
#define TIMES_256(x) TIMES_4(TIMES_4(TIMES_4(TIMES_4(x))))
#ifdef SHORT
    sink++;
#else
    TIMES_4(TIMES_4(TIMES_256(sink += 12345; sink *= sink;)))
#endif
}

OUTLINE void last_words(void)
{
    sink++;
    mark_and_exit("noreturn"); /* noreturn */
}

OUTLINE void after_last_words(void)
{
    sink += 2;
}

int main(void)
{
    dl_iterate_phdr(find_base, NULL);
    plain();
    hidden();
    outer(1);
    print_place("entry", (const void *)plain);
    print_place("after", (const void *)after_last_words);
    last_words();
}
