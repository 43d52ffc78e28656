#include "preload/exit/sanitizer.h"

#include <dlfcn.h>

#include "preload/shim/state.h"

void sanitizer_start(void (*on_death)(void))
{
    void (*set_callback)(void (*)(void));
    *(void **)&set_callback = dlsym(RTLD_DEFAULT, "__sanitizer_set_death_callback");
    if (set_callback)
        set_callback(on_death);
    shim_config.sanitizer = dlsym(RTLD_DEFAULT, "__lsan_do_leak_check") != 0;
}
