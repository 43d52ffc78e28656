#include "cli/serve/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

enum { TOKEN_MAX = 4096 };

/* ---- Host -------------------------------------------------------------------------------- */

struct host {
    char name[256]; /* without the port, the brackets of IPv6 and the last dot */
};

static bool is_port(const char *text)
{
    return !*text || (*text == ':' && strspn(text + 1, "0123456789") == strlen(text + 1));
}

static bool parse(struct host *host, const char *text)
{
    bool brackets = *text == '[';
    size_t length = strcspn(text += brackets, brackets ? "]" : ":");
    if (length == 0 || length >= sizeof(host->name) || (brackets && text[length] != ']') ||
        !is_port(text + length + brackets))
        return false;
    memcpy(host->name, text, length);
    host->name[length - (text[length - 1] == '.')] = '\0';
    return true;
}

static bool is_name_of_loopback(const char *name)
{
    const char *dot = strrchr(name, '.');
    return strcasecmp(dot ? dot + 1 : name, "localhost") == 0;
}

static bool is_address(const char *name, bool loopback)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, name, &v4) == 1)
        return !loopback || ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    return inet_pton(AF_INET6, name, &v6) == 1 && (!loopback || IN6_IS_ADDR_LOOPBACK(&v6));
}

bool guard_host(const struct serve_options *options, const struct listener *listener, const char *text)
{
    struct host host;
    if (listener->unix_path)
        return true;
    if (!parse(&host, text))
        return false;
    for (size_t i = 0; i < options->host_count; i++)
        if (strcasecmp(host.name, options->hosts[i]) == 0)
            return true;
    return is_name_of_loopback(host.name) || is_address(host.name, listener->loopback);
}

/* ---- the token ---------------------------------------------------------------------------- */

/* A file of root that its group may read is the only way to give one to another user: Kubernetes and systemd
 * do so. */
static bool is_shared(const struct stat *status)
{
    mode_t allowed = status->st_uid == 0 && geteuid() != 0 ? 040 : 0;
    return status->st_mode & 077 & ~allowed;
}

static bool is_private(const char *path, const struct stat *status, struct error *error)
{
    if (status->st_uid != geteuid() && status->st_uid != 0)
        return error_set(error, "--token-file=%s belongs to another user", path);
    if (is_shared(status))
        return error_set(error, "--token-file=%s can be read or written by other users; chmod 600 it", path);
    return true;
}

/* The token, malloc'ed, without white space around it. */
static char *read_token(const char *path, struct error *error)
{
    struct stat status;
    size_t length;
    char *text = NULL;
    int fd = regular_file_open(path, &status);
    if (fd < 0)
        error_set(error, "--token-file=%s: %s", path,
                  errno == EINVAL ? "it is not a regular file" : strerror(errno));
    else if (is_private(path, &status, error) && !(text = read_all(fd, TOKEN_MAX, &length)))
        error_set(error, "--token-file=%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (!text)
        return NULL;
    char *begin = text + strspn(text, " \t\r\n");
    length = strcspn(begin, "\r\n");
    memmove(text, begin, length);
    text[length] = '\0';
    if (length)
        return text;
    free(text);
    error_set(error,
              "--token-file=%s is empty; write a token into it, such as that of 'openssl rand -hex 32'",
              path);
    return NULL;
}

bool guard_check_file(const char *token_file, struct error *error)
{
    char *token = read_token(token_file, error);
    free(token);
    return token != NULL;
}

/* Compares every byte of what was given, wherever the first difference is. */
static bool is_equal(const char *token, const char *given)
{
    size_t length = strlen(token), given_length = strlen(given);
    volatile unsigned differ = length != given_length;
    for (size_t i = 0; i < given_length; i++)
        differ |= (unsigned char)(token[i % length] ^ given[i]);
    return !differ;
}

bool guard_token(const char *token_file, const char *given)
{
    static const char scheme[] = "Bearer ";
    struct error error;
    if (!given || strncasecmp(given, scheme, sizeof(scheme) - 1) != 0)
        return false;
    char *token = read_token(token_file, &error);
    bool is = token && is_equal(token, given + sizeof(scheme) - 1);
    free(token);
    return is;
}
