#include "preload/exit/sanitizer.h"

#include "preload/shim/state.h"

/* These are weak symbols, because a failed dlsym allocates memory. */
void __sanitizer_set_death_callback(void (*on_death)(void)) __attribute__((weak, visibility("default")));
void __lsan_do_leak_check(void) __attribute__((weak, visibility("default")));
void __tsan_init(void) __attribute__((weak, visibility("default")));
void __msan_init(void) __attribute__((weak, visibility("default")));

void sanitizer_start(void (*on_death)(void))
{
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(on_death);
    /* LeakSanitizer's check, and the handlers by which ThreadSanitizer and MemorySanitizer print what they
     * found and set the exit status, can run after ours. */
    shim_config.sanitizer = __lsan_do_leak_check || __tsan_init || __msan_init;
}
