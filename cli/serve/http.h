/*
 * The functions of libmicrohttpd. It is loaded when `serve` begins: with what it needs (gnutls, p11-kit, …)
 * it takes 7 ms, which every other command would pay if threadleak were linked with it.
 */
#ifndef THREADLEAK_CLI_SERVE_HTTP_H
#define THREADLEAK_CLI_SERVE_HTTP_H

#include <microhttpd.h>
#include <stdbool.h>

#include "base/error.h"

#define HTTP_FUNCTIONS(FUNCTION)          \
    FUNCTION(start_daemon)                \
    FUNCTION(stop_daemon)                 \
    FUNCTION(create_response_from_buffer) \
    FUNCTION(add_response_header)         \
    FUNCTION(queue_response)              \
    FUNCTION(destroy_response)            \
    FUNCTION(get_connection_info)         \
    FUNCTION(get_connection_values)       \
    FUNCTION(http_unescape)

struct http {
#define HTTP_MEMBER(name) __typeof__(MHD_##name) *name;
    HTTP_FUNCTIONS(HTTP_MEMBER)
#undef HTTP_MEMBER
};

/* Valid after http_load() returned true. */
extern struct http http;

/* False: error says which package is missing. */
bool http_load(struct error *error);

#endif
