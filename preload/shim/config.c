#include "preload/shim/config.h"

/* It is linked first, so that what a start writes of it is on a page that the loader has written, too: each
 * page fault costs microseconds. settings_find() sets what is not 0 at first. */
struct shim_config shim_config;

bool config_beside(struct text *path, const char *file)
{
    text_string(path, shim_config.started_in);
    text_bytes(path, shim_config.library, shim_config.directory);
    text_string(path, file);
    return *path->buffer == '/' && !path->overflow;
}
