#include "cli/serve/request.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#include "cli/common/cli.h"

static enum MHD_Result take_parameter(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct request *request = arg;
    (void)kind;
    if (strcmp(key, "pid") == 0)
        request->pid = value ? value : "";
    else if (strcmp(key, "debug") == 0)
        request->debug = value ? value : "";
    else if (strcmp(key, "seconds") == 0)
        request->seconds = value ? value : "";
    return MHD_YES;
}

static enum MHD_Result take_header(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct request *request = arg;
    (void)kind;
    if (strcasecmp(key, "Host") == 0) {
        request->two_hosts = request->host != NULL;
        request->host = value;
    } else if (strcasecmp(key, "Authorization") == 0) {
        request->authorization = value;
    } else if (strcasecmp(key, "Accept") == 0) {
        request->accept = value;
    } else if (strcasecmp(key, "Sec-Fetch-Site") == 0) {
        request->fetch_site = value;
    } else if (strcasecmp(key, "Sec-Fetch-Mode") == 0) {
        request->fetch_mode = value;
    }
    return MHD_YES;
}

/* "http://HOST/PATH", which every server must accept (RFC 9112, 3.2.2). Its host counts, and not the header.
 */
static void take_absolute(struct request *request)
{
    static const char scheme[] = "http://";
    if (strncasecmp(request->path, scheme, sizeof(scheme) - 1) != 0)
        return;
    const char *host = request->path + sizeof(scheme) - 1;
    size_t length = strcspn(host, "/");
    if (length >= sizeof(request->authority))
        return;
    memcpy(request->authority, host, length);
    request->host = request->authority;
    request->path = host[length] ? host + length : "/";
}

void request_read(struct request *request, struct MHD_Connection *connection, const char *path)
{
    *request = (struct request){.path = path};
    http.get_connection_values(connection, MHD_GET_ARGUMENT_KIND, take_parameter, request);
    http.get_connection_values(connection, MHD_HEADER_KIND, take_header, request);
    take_absolute(request);
}

bool request_pid(const struct request *request, pid_t *pid, struct error *error)
{
    long number = 0;
    if (request->pid && !cli_number(request->pid, 1, INT_MAX, &number))
        return error_set(error, "pid=%.40s is not a process ID", request->pid);
    *pid = (pid_t)number;
    return true;
}

bool request_debug(const struct request *request, int *debug, struct error *error)
{
    long number = 0;
    if (request->debug && !cli_number(request->debug, 0, 2, &number))
        return error_set(error, "debug=%.40s is not 0 (protobuf), 1 (grouped) or 2 (each thread)",
                         request->debug);
    *debug = (int)number;
    return true;
}

/* Fetch Metadata (w3c.github.io/webappsec-fetch-metadata), which browsers send since 2020 to 2023. */
bool request_is_of_another_site(const struct request *request)
{
    const char *site = request->fetch_site, *mode = request->fetch_mode;
    return site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0 &&
           !(mode && strcmp(mode, "navigate") == 0);
}
