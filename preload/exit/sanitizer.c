#include "preload/exit/sanitizer.h"

#include "preload/shim/state.h"

/* These are weak symbols, because a failed dlsym allocates memory. */
void __sanitizer_set_death_callback(void (*on_death)(void)) __attribute__((weak, visibility("default")));
void __lsan_do_leak_check(void) __attribute__((weak, visibility("default")));

void sanitizer_start(void (*on_death)(void))
{
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(on_death);
    shim_config.sanitizer = __lsan_do_leak_check != NULL;
}
