#include "cli/run/server.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/common/run_dir.h"
#include "cli/common/run_env.h"
#include "cli/run/tree.h"
#include "common/ledger.h"

enum { PATIENCE_S = 2, MAX_IMAGES = 1000, STACK_SIZE = 1 << 20 };

/* Every user can put the directory into an environment. So processes of other users count only as descendants
 * of COMMAND. */
static bool is_of_the_tree(const struct run_server *server, const struct ucred *peer)
{
    return peer->pid > 0 && run_tree_has(server->root, server->directory, peer->pid, peer->uid == geteuid());
}

/* The process owns the file, as if it had created it. */
static int give_to(int fd, const struct ucred *peer)
{
    if (fd >= 0 && fchown(fd, peer->uid, peer->gid) != 0 && errno != EPERM) {
        close(fd);
        return -1;
    }
    return fd;
}

static int open_ledger(const struct run_server *server, pid_t own_pid, const struct ucred *peer)
{
    char path[RUN_DIR_MAX + 64];
    for (unsigned n = 0; n < MAX_IMAGES; n++) {
        snprintf(path, sizeof(path), "%s/" LEDGER_FILE_PREFIX "%d.%u", server->directory, (int)own_pid, n);
        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd >= 0 || errno != EEXIST)
            return give_to(fd, peer);
    }
    return -1;
}

static int open_marks(const struct run_server *server)
{
    char path[RUN_DIR_MAX + sizeof(LEDGER_EXECS_FILE) + 1];
    snprintf(path, sizeof(path), "%s/" LEDGER_EXECS_FILE, server->directory);
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* Another process must do this. If this thread traced our child, wait(2) would report the child's end to this
 * thread instead of the main thread. */
static bool save_stacks_of(const struct run_server *server, pid_t pid)
{
    char number[16];
    char *argv[] = {"threadleak", "_explain", "save", number, (char *)server->directory, NULL};
    char **environment = run_environment_without_us();
    pid_t child;
    int status;
    snprintf(number, sizeof(number), "%d", (int)pid);
    bool begun = environment && posix_spawn(&child, "/proc/self/exe", NULL, NULL, argv, environment) == 0;
    free(environment);
    if (!begun)
        return false;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void answer(int to, bool done, int fd)
{
    char byte = (char)done;
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
        control.head = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
    }
    while (sendmsg(to, &message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

static void serve(const struct run_server *server, int client)
{
    struct ledger_run_request request;
    struct ucred peer;
    socklen_t size = sizeof(peer);
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = -1;
    bool done = false;
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    /* This check comes first: a process outside of the tree must not make the server wait. */
    if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || !is_of_the_tree(server, &peer) ||
        recv(client, &request, sizeof(request), 0) != (ssize_t)sizeof(request) || request.pid <= 0)
        return;
    if (request.what == LEDGER_RUN_STACKS)
        done = save_stacks_of(server, peer.pid);
    else if (request.what == LEDGER_RUN_LEDGER)
        done = (fd = open_ledger(server, request.pid, &peer)) >= 0;
    else if (request.what == LEDGER_RUN_EXECS)
        done = (fd = open_marks(server)) >= 0;
    answer(client, done, fd);
    if (fd >= 0)
        close(fd);
}

static void *serve_all(void *arg)
{
    const struct run_server *server = arg;
    for (;;) {
        int client = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
        if (client >= 0) {
            serve(server, client);
            close(client);
        } else if (errno == EINVAL || errno == EBADF) { /* shut down */
            return NULL;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            usleep(10000); /* for example out of descriptors */
        }
    }
}

/* The default size of a stack is that of RLIMIT_STACK. */
static bool start_thread(struct run_server *server)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    bool started = pthread_create(&server->thread, &attributes, serve_all, server) == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

void run_server_start(struct run_server *server, pid_t root, const char *directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[LEDGER_RUN_SOCKET_MAX];
    *server = (struct run_server){.root = root, .directory = directory};
    ledger_run_socket(name, directory);
    memcpy(address.sun_path + 1, name, strlen(name));
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    server->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (server->fd < 0)
        return;
    server->running = bind(server->fd, (struct sockaddr *)&address, size) == 0 &&
                      listen(server->fd, SOMAXCONN) == 0 && start_thread(server);
    if (!server->running)
        close(server->fd);
}

void run_server_end(struct run_server *server)
{
    if (!server->running)
        return;
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
    server->running = false;
}
