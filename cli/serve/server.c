#include "cli/serve/server.h"

#include <errno.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/common/own_stack.h"
#include "cli/serve/answer.h"
#include "cli/serve/guard.h"
#include "cli/serve/request.h"
#include "cli/serve/routes.h"

enum {
    REQUEST_BYTES = 16384, /* its line, headers and what libmicrohttpd needs; more is status 431 or 414 */
    ANSWER_S = 60,         /* to take the answer */
};

static void add_headers(struct MHD_Response *response, const struct answer *answer)
{
    char disposition[128];
    http.add_response_header(response, "Content-Type", answer->type);
    http.add_response_header(response, "Connection", "close");
    http.add_response_header(response, "Cache-Control", "no-store");
    http.add_response_header(response, "X-Content-Type-Options", "nosniff");
    http.add_response_header(response, "X-Frame-Options", "DENY");
    http.add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
    if (answer->header[0])
        http.add_response_header(response, answer->header[0], answer->header[1]);
    if (!answer->file)
        return;
    snprintf(disposition, sizeof(disposition), "attachment; filename=\"%s\"", answer->file);
    http.add_response_header(response, "Content-Disposition", disposition);
}

/* MHD_NO closes the connection. */
static enum MHD_Result send_answer(struct MHD_Connection *connection, struct answer *answer)
{
    char *text = text_close(&answer->body);
    struct MHD_Response *response =
        text ? http.create_response_from_buffer(answer->body.size, text, MHD_RESPMEM_MUST_FREE) : NULL;
    if (!response) {
        free(text);
        return MHD_NO;
    }
    add_headers(response, answer);
    enum MHD_Result result = http.queue_response(connection, answer->status, response);
    http.destroy_response(response);
    return result;
}

/* ---- deciding ------------------------------------------------------------------------------ */

static bool has_right_host(const struct server *server, const struct request *request)
{
    return server->listener.unix_path || (request->host && !request->two_hosts &&
                                          guard_host(server->options, &server->listener, request->host));
}

static bool is_allowed(const struct server *server, const struct route *route, const struct request *request)
{
    return !server->options->token_file || route->open ||
           guard_token(server->options->token_file, request->authorization);
}

static bool is_read(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static void fill(struct server *server, const struct request *request, const char *method,
                 struct answer *answer)
{
    const struct route *route = route_find(request->path);
    if (!has_right_host(server, request)) {
        answer_error(answer, MHD_HTTP_FORBIDDEN,
                     "the Host of the request is no name of this server; see --host");
    } else if (request_is_of_another_site(request)) {
        answer_error(answer, MHD_HTTP_FORBIDDEN, "this request is of a page of another site");
    } else if (!is_read(method)) {
        answer->header[0] = "Allow", answer->header[1] = "GET, HEAD";
        answer_error(answer, MHD_HTTP_METHOD_NOT_ALLOWED, "use GET or HEAD");
    } else if (server->options->token_file && (!route || !is_allowed(server, route, request))) {
        answer->header[0] = "WWW-Authenticate", answer->header[1] = "Bearer realm=\"threadleak\"";
        answer_error(answer, MHD_HTTP_UNAUTHORIZED, "send the token as 'Authorization: Bearer TOKEN'");
    } else if (!route) {
        answer_error(answer, MHD_HTTP_NOT_FOUND, "no such path; see threadleak-serve(1)");
    } else {
        route_answer(route, &server->serving, request, answer);
    }
}

/* ---- libmicrohttpd's callbacks -------------------------------------------------------------- */

static struct deadline *deadline_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        http.get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* Answers when the headers have arrived, and never reads a body. */
static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *body, size_t *body_size,
                              void **context)
{
    struct server *server = arg;
    struct deadline *deadline = deadline_of(connection);
    struct answer answer = {.status = MHD_HTTP_OK, .type = "text/plain; charset=utf-8"};
    struct request request;
    (void)version, (void)body, (void)body_size, (void)context;
    deadline_set(&server->deadlines, deadline, DEADLINE_WORK, 0);
    if (!text_open(&answer.body))
        return MHD_NO;
    request_read(&request, connection, path);
    fill(server, &request, method, &answer);
    deadline_set(&server->deadlines, deadline, DEADLINE_ANSWER, ANSWER_S);
    return send_answer(connection, &answer);
}

static void notice(void *arg, struct MHD_Connection *connection, void **context,
                   enum MHD_ConnectionNotificationCode what)
{
    struct server *server = arg;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        deadline_end(&server->deadlines, *context);
        return;
    }
    const union MHD_ConnectionInfo *info =
        http.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *context = info ? deadline_begin(&server->deadlines, info->connect_fd, server->options->timeout_s) : NULL;
}

/* A path or parameter with %00 must not be what is before it. */
static size_t unescape(void *arg, struct MHD_Connection *connection, char *text)
{
    (void)arg, (void)connection;
    size_t length = http.http_unescape(text);
    for (char *zero; (zero = memchr(text, 0, length)); *zero = '\x01')
        ;
    return length;
}

bool server_start(struct server *server, struct error *error)
{
    const unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL;
    deadlines_init(&server->deadlines);
    server->serving = (struct serving){.options = server->options,
                                       .fleet = fleet_new(server->options->all_users),
                                       .turn = PTHREAD_MUTEX_INITIALIZER};
    if (!server->serving.fleet)
        return error_set(error, "out of memory");
    server->daemon = http.start_daemon(
        flags, 0, NULL, NULL, handle, server, MHD_OPTION_LISTEN_SOCKET, server->listener.fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)ANSWER_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_BYTES,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)OWN_STACK_SIZE, MHD_OPTION_NOTIFY_CONNECTION, notice, server,
        MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_END);
    return server->daemon || error_set(error, "the server could not start: %s", strerror(errno));
}

void server_stop(struct server *server)
{
    http.stop_daemon(server->daemon);
    fleet_free(server->serving.fleet);
    report_maker_release(&server->serving.maker);
    listener_remove(&server->listener);
}
