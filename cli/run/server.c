#include "cli/run/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/common/cli.h"
#include "cli/common/run_dir.h"
#include "cli/common/run_env.h"
#include "cli/run/tree.h"
#include "common/ledger.h"
#include "common/run_protocol.h"

enum { PATIENCE_S = 2, MAX_IMAGES = 100000, STACK_SIZE = 1 << 20, CLIENTS_MAX = 64, SAVE_S = 10 };

struct client {
    int fd;
    struct ucred
        peer; /* from the kernel: the client cannot choose it, and its pid is that of our namespace */
    uint64_t until_ns;
};

/* Those that have sent nothing yet, oldest first. */
struct clients {
    struct client items[CLIENTS_MAX];
    size_t count;
};

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

static int open_ledger(const struct run_server *server, const struct ucred *peer)
{
    char path[RUN_DIR_MAX + 64];
    for (unsigned n = 0; n < MAX_IMAGES; n++) {
        snprintf(path, sizeof(path), "%s/" LEDGER_FILE_PREFIX "%d.%u", server->directory, (int)peer->pid, n);
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

/* The client does not wait longer than SAVE_S, and other clients wait meanwhile. */
static bool wait_for(pid_t child, int *status)
{
    uint64_t until = now_ns() + SAVE_S * UINT64_C(1000000000);
    pid_t ended;
    while ((ended = waitpid(child, status, WNOHANG)) == 0 && now_ns() < until)
        usleep(1000);
    if (ended == 0) {
        kill(child, SIGKILL);
        ended = waitpid(child, status, 0);
    }
    return ended == child;
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
    return wait_for(child, &status) && WIFEXITED(status) && WEXITSTATUS(status) == 0;
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
    while (sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EINTR)
        ;
}

/* ---- one client ------------------------------------------------------------------------ */

static void do_request(const struct run_server *server, int client, uint32_t what, const struct ucred *peer)
{
    int fd = -1;
    bool done = false;
    if (what == LEDGER_RUN_STACKS)
        done = save_stacks_of(server, peer->pid);
    else if (what == LEDGER_RUN_LEDGER)
        done = (fd = open_ledger(server, peer)) >= 0;
    else if (what == LEDGER_RUN_EXECS)
        done = (fd = open_marks(server)) >= 0;
    answer(client, done, fd);
    if (fd >= 0)
        close(fd);
}

/* False: it has sent nothing yet. Descriptors that come with a message are not taken: the kernel closes them.
 */
static bool serve(const struct run_server *server, const struct client *client)
{
    struct ledger_run_request request;
    ssize_t length = recv(client->fd, &request, sizeof(request), MSG_DONTWAIT | MSG_TRUNC);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (length == (ssize_t)sizeof(request))
        do_request(server, client->fd, request.what, &client->peer);
    return true;
}

/* ---- all clients ------------------------------------------------------------------------ */

static void drop(struct clients *clients, size_t index)
{
    close(clients->items[index].fd);
    clients->count--;
    memmove(&clients->items[index], &clients->items[index + 1],
            (clients->count - index) * sizeof(clients->items[0]));
}

/* A client of the run sends its request at once. One that waits gives way to a new one, the oldest first. */
static void keep(struct clients *clients, const struct client *client)
{
    if (clients->count == CLIENTS_MAX)
        drop(clients, 0);
    clients->items[clients->count++] = *client;
}

static void take(const struct run_server *server, struct clients *clients, int fd)
{
    struct client client = {.fd = fd, .until_ns = now_ns() + PATIENCE_S * UINT64_C(1000000000)};
    socklen_t size = sizeof(client.peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &client.peer, &size) != 0 ||
        !is_of_the_tree(server, &client.peer) || serve(server, &client))
        close(fd);
    else
        keep(clients, &client);
}

static void accept_all(const struct run_server *server, struct clients *clients)
{
    for (int n = 0; n < CLIENTS_MAX; n++) {
        int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            take(server, clients, fd);
        else if (errno == EAGAIN)
            return;
        else if (errno != EINTR && errno != ECONNABORTED)
            usleep(10000); /* for example out of descriptors */
    }
}

static void wait_for_any(const struct run_server *server, const struct clients *clients,
                         struct pollfd polled[CLIENTS_MAX + 1])
{
    polled[0] = (struct pollfd){.fd = server->fd, .events = POLLIN};
    for (size_t i = 0; i < clients->count; i++)
        polled[i + 1] = (struct pollfd){.fd = clients->items[i].fd, .events = POLLIN};
    poll(polled, clients->count + 1, clients->count ? PATIENCE_S * 1000 / 4 : -1);
}

static void serve_ready(const struct run_server *server, struct clients *clients, const struct pollfd *polled)
{
    uint64_t now = now_ns();
    for (size_t i = clients->count; i-- > 0;) {
        bool ready = polled[i + 1].revents && serve(server, &clients->items[i]);
        if (ready || now >= clients->items[i].until_ns)
            drop(clients, i);
    }
}

static void *serve_all(void *arg)
{
    const struct run_server *server = arg;
    struct clients clients = {.count = 0};
    struct pollfd polled[CLIENTS_MAX + 1];
    do {
        wait_for_any(server, &clients, polled);
        serve_ready(server, &clients, polled);
        /* After shutdown(2) of a non-blocking socket, accept4 still has EAGAIN. */
        if (polled[0].revents & POLLIN)
            accept_all(server, &clients);
    } while (!(polled[0].revents & (POLLHUP | POLLERR | POLLNVAL)));
    while (clients.count)
        drop(&clients, 0);
    return NULL;
}

/* The default size of a stack is that of RLIMIT_STACK. */
static bool start_thread(struct run_server *server)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    errno = pthread_create(&server->thread, &attributes, serve_all, server);
    bool started = errno == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

static bool start(struct run_server *server)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[LEDGER_RUN_SOCKET_MAX];
    ledger_run_socket(name, server->directory);
    memcpy(address.sun_path + 1, name, strlen(name));
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    return bind(server->fd, (struct sockaddr *)&address, size) == 0 && listen(server->fd, SOMAXCONN) == 0 &&
           start_thread(server);
}

void run_server_start(struct run_server *server, pid_t root, const char *directory)
{
    *server = (struct run_server){.root = root, .directory = directory};
    server->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    server->running = server->fd >= 0 && start(server);
    if (server->running)
        return;
    cli_message("run: its socket could not be made: %s; processes that change their user or root may be "
                "missing from the report",
                strerror(errno));
    if (server->fd >= 0)
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
