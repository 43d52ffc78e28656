#include "cli/serve/http.h"

#include <dlfcn.h>

#define LIBRARY "libmicrohttpd.so.12"

struct http http;

bool http_load(struct error *error)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    bool complete = library != NULL;
#define HTTP_FIND(name)                                                                 \
    if (complete && !(http.name = (__typeof__(http.name))dlsym(library, "MHD_" #name))) \
        complete = false;
    HTTP_FUNCTIONS(HTTP_FIND)
#undef HTTP_FIND
    if (complete)
        return true;
    return error_set(error, "%s; install libmicrohttpd (Debian: libmicrohttpd12)", dlerror());
}
