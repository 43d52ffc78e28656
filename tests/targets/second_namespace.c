/*
 * Loads a library into a second namespace, where it calls another libc. Creates a thread here before that, or
 * then, or none. The library ends the process, or this program does; "wait" waits until its input ends.
 *   second_namespace before|create|none exit|return|wait
 */
#include <dlfcn.h>
#include <libgen.h>

#include "target.h"

static void create_if(int is_so)
{
    if (!is_so)
        return;
    start(stay, NULL);
    await_ready(1);
}

int main(int argc, char **argv)
{
    char path[4096];
    CHECK(argc == 3);
    create_if(strcmp(argv[1], "before") == 0);
    snprintf(path, sizeof(path), "%s/libnamespace.so", dirname(strdup(argv[0])));
    void *library = dlmopen(LM_ID_NEWLM, path, RTLD_NOW);
    if (!library)
        fprintf(stderr, "%s\n", dlerror());
    CHECK(library);
    create_if(strcmp(argv[1], "create") == 0);
    void (*run)(int) = (void (*)(int))dlsym(library, "run");
    CHECK(run);
    run(strcmp(argv[2], "exit") == 0);
    char byte;
    if (strcmp(argv[2], "wait") == 0)
        CHECK(write(1, "up\n", 3) == 3 && read(0, &byte, 1) == 0);
    return 0;
}
