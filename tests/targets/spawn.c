/* posix_spawn, system and popen beside a thread that stays: the parent's record is left alone. */
#include <spawn.h>

#include "target.h"

extern char **environ;

int main(void)
{
    char *args[] = {"echo", "spawned", NULL}, line[64] = "";
    int status;
    pid_t child;

    start(stay, NULL);
    await_ready(1);
    CHECK(posix_spawn(&child, "/bin/echo", NULL, NULL, args, environ) == 0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(posix_spawnp(&child, "nonexistent-nothing", NULL, NULL, args, environ) == ENOENT);
    CHECK(system("exit 3") == 3 << 8);
    FILE *pipe = popen("echo popened", "r");
    CHECK(pipe && fgets(line, sizeof(line), pipe) && pclose(pipe) == 0);
    printf("%s", line);
    return 0;
}
