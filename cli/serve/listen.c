#include "cli/serve/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define DEFAULT_ADDRESS "127.0.0.1"

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* ---- ADDR:PORT --------------------------------------------------------------------------- */

struct host_port {
    char host[128]; /* "": all addresses */
    const char *port;
};

static bool refuse(const char *text, struct error *error)
{
    return error_set(error, "--listen=%s is not ADDR:PORT, such as 127.0.0.1:9844 or [::1]:9844", text);
}

static bool split(struct host_port *parts, const char *text, struct error *error)
{
    const char *colon = strrchr(text, ':'), *host = text;
    size_t length = colon ? (size_t)(colon - text) : 0;
    parts->port = colon ? colon + 1 : text;
    if (length >= 2 && host[0] == '[' && host[length - 1] == ']') {
        host++;
        length -= 2;
    } else if (memchr(text, ':', length)) {
        return refuse(text, error);
    }
    if (!*parts->port || strspn(parts->port, "0123456789") != strlen(parts->port) ||
        strtoul(parts->port, NULL, 10) > 65535 || length >= sizeof(parts->host))
        return refuse(text, error);
    snprintf(parts->host, sizeof(parts->host), "%.*s", (int)length, host);
    if (!colon)
        strcpy(parts->host, DEFAULT_ADDRESS);
    return true;
}

static bool resolve(const struct host_port *parts, const char *text, union address *address, socklen_t *size,
                    struct error *error)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    int failed = getaddrinfo(*parts->host ? parts->host : NULL, parts->port, &hints, &found);
    if (failed)
        return error_set(error, "--listen=%s: %s", text, gai_strerror(failed));
    *size = found->ai_addrlen <= sizeof(*address) ? found->ai_addrlen : sizeof(*address);
    memcpy(address, found->ai_addr, *size);
    freeaddrinfo(found);
    return true;
}

static bool is_loopback(const union address *address)
{
    const struct in6_addr *v6 = &address->v6.sin6_addr;
    if (address->any.sa_family == AF_INET)
        return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == IN_LOOPBACKNET);
}

static bool fail(const char *text, struct error *error)
{
    if (errno == EADDRINUSE)
        return error_set(error, "%s is in use by another program; choose another with --listen=ADDR:PORT",
                         text);
    if (errno == EACCES)
        return error_set(
            error, "%s: no permission for a port below 1024; choose another with --listen=ADDR:PORT", text);
    return error_set(error, "%s: %s", text, strerror(errno));
}

static void describe(struct listener *listener)
{
    union address address = {.any.sa_family = AF_UNSPEC};
    socklen_t size = sizeof(address);
    char host[INET6_ADDRSTRLEN] = "?";
    getsockname(listener->fd, &address.any, &size);
    bool is_v6 = address.any.sa_family == AF_INET6;
    inet_ntop(address.any.sa_family, is_v6 ? (void *)&address.v6.sin6_addr : (void *)&address.v4.sin_addr,
              host, sizeof(host));
    snprintf(listener->url, sizeof(listener->url), "http://%s%s%s:%d/", is_v6 ? "[" : "", host,
             is_v6 ? "]" : "", ntohs(is_v6 ? address.v6.sin6_port : address.v4.sin_port));
    listener->loopback = is_loopback(&address);
}

bool listener_open_tcp(struct listener *listener, const char *text, struct error *error)
{
    struct host_port parts;
    union address address;
    socklen_t size = 0;
    const int yes = 1;
    if (!split(&parts, text, error) || !resolve(&parts, text, &address, &size, error))
        return false;
    *listener = (struct listener){.fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (listener->fd < 0)
        return fail(text, error);
    setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(listener->fd, &address.any, size) == 0 && listen(listener->fd, SOMAXCONN) == 0) {
        describe(listener);
        return true;
    }
    fail(text, error);
    close(listener->fd);
    return false;
}

/* ---- a Unix socket --------------------------------------------------------------------------- */

/* A server that was killed leaves its file, to which nobody can connect. */
static bool is_stale(const struct sockaddr_un *address)
{
    struct stat status;
    if (lstat(address->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
                   errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return refused;
}

/* The file is never open to others, not even for a moment. */
static int bind_privately(int fd, const struct sockaddr_un *address)
{
    mode_t before = umask(0177);
    int failed = bind(fd, (const struct sockaddr *)address, sizeof(*address));
    umask(before);
    return failed;
}

bool listener_open_unix(struct listener *listener, const char *path, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!*path || strlen(path) >= sizeof(address.sun_path))
        return error_set(error, "--unix=%s: a path of a socket has 1 to %zu bytes", path,
                         sizeof(address.sun_path) - 1);
    strcpy(address.sun_path, path);
    *listener = (struct listener){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), .loopback = true};
    if (is_stale(&address))
        unlink(path);
    if (listener->fd >= 0 && bind_privately(listener->fd, &address) == 0 &&
        listen(listener->fd, SOMAXCONN) == 0) {
        listener->unix_path = path;
        snprintf(listener->url, sizeof(listener->url), "unix:%s", path);
        return true;
    }
    error_set(error,
              errno == EADDRINUSE ? "--unix=%s is in use, or another file has this name" : "--unix=%s: %s",
              path, strerror(errno));
    if (listener->fd >= 0)
        close(listener->fd);
    return false;
}

void listener_remove(const struct listener *listener)
{
    if (listener->unix_path)
        unlink(listener->unix_path);
}
