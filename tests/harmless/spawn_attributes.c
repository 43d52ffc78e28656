/* posix_spawn: attributes that are read back, and what a new program gets of them. */
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>

#include "harmless.h"

/* The pid, or -error. */
static pid_t spawned(const char *command, const posix_spawn_file_actions_t *actions,
                     const posix_spawnattr_t *attr)
{
    pid_t pid = 0;
    char *argv[] = {"sh", "-c", (char *)command, NULL};
    int error = posix_spawn(&pid, "/bin/sh", actions, attr, argv, environ);
    return error ? -error : pid;
}

TEST(spawn_attributes_are_read_back)
{
    posix_spawnattr_t attr;
    short flags = -1;
    pid_t group = -1;
    int policy = -1;
    sigset_t set, got;
    struct sched_param param = {.sched_priority = 3};
    is("init", posix_spawnattr_init(&attr), 0);
    posix_spawnattr_getflags(&attr, &flags);
    is("flags", flags, 0);
    is("set flags", posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_RESETIDS), 0);
    posix_spawnattr_getflags(&attr, &flags);
    is("flags", flags, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_RESETIDS);
    is("unknown flags", posix_spawnattr_setflags(&attr, 0x4000), EINVAL);
    is("set group", posix_spawnattr_setpgroup(&attr, 77), 0);
    posix_spawnattr_getpgroup(&attr, &group);
    is("group", group, 77);
    is("set policy", posix_spawnattr_setschedpolicy(&attr, SCHED_RR), 0);
    posix_spawnattr_getschedpolicy(&attr, &policy);
    is("policy", policy, SCHED_RR);
    is("set priority", posix_spawnattr_setschedparam(&attr, &param), 0);
    param.sched_priority = 0;
    posix_spawnattr_getschedparam(&attr, &param);
    is("priority", param.sched_priority, 3);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    posix_spawnattr_setsigmask(&attr, &set);
    posix_spawnattr_getsigmask(&attr, &got);
    is("mask", sigismember(&got, SIGHUP) * 10 + sigismember(&got, SIGINT), 10);
    posix_spawnattr_setsigdefault(&attr, &set);
    posix_spawnattr_getsigdefault(&attr, &got);
    is("defaults", sigismember(&got, SIGHUP) * 10 + sigismember(&got, SIGINT), 10);
    is("destroy", posix_spawnattr_destroy(&attr), 0);
}

/* The attributes of the program are its own, also those that it passes. */
TEST(spawn_attributes_stay)
{
    posix_spawnattr_t attr;
    char before[sizeof(attr)];
    memset(&attr, 0, sizeof(attr));
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
    memcpy(before, &attr, sizeof(attr));
    run_thread(nothing, NULL);
    text_is("child", status_of_pid(spawned("exit 3", NULL, &attr)), "exit 3");
    is("unchanged", memcmp(before, (const char *)&attr, sizeof(attr)), 0);
}

TEST(spawn_in_a_group)
{
    posix_spawnattr_t attr;
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
    run_thread(nothing, NULL);
    pid_t pid = spawned("kill -STOP $$", NULL, &attr);
    int status = -1;
    is("it stops", waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status), 1);
    is("its group is its own", getpgid(pid) == pid, 1);
    is("not its session", getsid(pid) == getsid(0), 1);
    is("kill of the group", kill(-pid, SIGKILL), 0);
    text_is("child", status_of_pid(pid), "signal 9");
}

TEST(spawn_in_a_session)
{
    posix_spawnattr_t attr;
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
    pid_t pid = spawned("kill -STOP $$", NULL, &attr);
    int status = -1;
    is("it stops", waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status), 1);
    is("its session is its own", getsid(pid) == pid, 1);
    kill(pid, SIGKILL);
    text_is("child", status_of_pid(pid), "signal 9");
}

TEST(spawn_with_a_policy)
{
    posix_spawnattr_t attr;
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSCHEDULER);
    is("SCHED_BATCH", posix_spawnattr_setschedpolicy(&attr, SCHED_BATCH), EINVAL);
    is("SCHED_OTHER", posix_spawnattr_setschedpolicy(&attr, SCHED_OTHER), 0);
    is("of the parent", sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0}), 0);
    run_thread(nothing, NULL);
    pid_t pid = spawned("kill -STOP $$", NULL, &attr);
    int status = -1;
    is("it stops", waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status), 1);
    is("policy", sched_getscheduler(pid), SCHED_OTHER);
    kill(pid, SIGKILL);
    text_is("child", status_of_pid(pid), "signal 9");
}

TEST(spawn_actions_that_fail)
{
    posix_spawn_file_actions_t actions;
    run_thread(nothing, NULL);
    posix_spawn_file_actions_init(&actions);
    is("a file that does not exist",
       posix_spawn_file_actions_addopen(&actions, 5, "/does/not/exist", O_RDONLY, 0), 0);
    is("posix_spawn", spawned("exit 0", &actions, NULL), -ENOENT);
    posix_spawn_file_actions_init(&actions);
    is("a descriptor that is none", posix_spawn_file_actions_adddup2(&actions, 888, 5), 0);
    is("posix_spawn", spawned("exit 0", &actions, NULL), -EBADF);
    posix_spawn_file_actions_init(&actions);
    is("a close of one is no error", posix_spawn_file_actions_addclose(&actions, 888), 0);
    text_is("child", status_of_pid(spawned("exit 4", &actions, NULL)), "exit 4");
    is("a negative one", posix_spawn_file_actions_addclose(&actions, -1), EBADF);
    is("no child is left", waitpid(-1, NULL, 0) == -1 ? errno : 0, ECHILD);
}

TEST(spawn_actions_that_open)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, 1, 7);
    posix_spawn_file_actions_addfchdir_np(&actions, open("/proc", O_RDONLY | O_DIRECTORY));
    run_thread(nothing, NULL);
    text_is("child", status_of_pid(spawned("! read line && echo in $PWD >&7", &actions, NULL)), "exit 0");
}

TEST(spawn_closes_from)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (int fd = 3; fd < 20; fd++)
        dup2(1, fd);
    is("action", posix_spawn_file_actions_addclosefrom_np(&actions, 3), 0);
    text_is("child",
            status_of_pid(spawned("exec 2>/dev/null; ! (true >&3) && ! (true >&19)", &actions, NULL)),
            "exit 0");
}

static char *search_path(void)
{
    return getenv("PATH") ? strdup(getenv("PATH")) : NULL;
}

TEST(spawn_by_path)
{
    char *path = search_path(), *argv[] = {"sh", "-c", "exit 6", NULL};
    pid_t pid;
    run_thread(nothing, NULL);
    setenv("PATH", "/does/not/exist:/bin:/usr/bin", 1);
    is("posix_spawnp", posix_spawnp(&pid, "sh", NULL, NULL, argv, environ), 0);
    text_is("child", status_of_pid(pid), "exit 6");
    setenv("PATH", "/does/not/exist", 1);
    is("not there", posix_spawnp(&pid, "sh", NULL, NULL, argv, environ), ENOENT);
    if (path)
        setenv("PATH", path, 1);
    free(path);
}

static void *spawn_here(void *unused)
{
    (void)unused;
    sigset_t set, after;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
    pid_t pid = spawned("exit 4", NULL, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    is("its mask is as before", sigismember(&after, SIGUSR2) * 10 + sigismember(&after, SIGUSR1), 10);
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    is("and its cancellation state", state, PTHREAD_CANCEL_ENABLE);
    text_is("child", status_of_pid(pid), "exit 4");
    return NULL;
}

TEST(spawn_in_a_thread)
{
    run_thread(spawn_here, NULL);
}

TEST(spawn_many_at_once)
{
    pid_t pids[20];
    run_thread(nothing, NULL);
    for (int i = 0; i < 20; i++)
        pids[i] = spawned("exit 2", NULL, NULL);
    long good = 0;
    for (int i = 0; i < 20; i++)
        good += strcmp(status_of_pid(pids[i]), "exit 2") == 0;
    is("children", good, 20);
}
