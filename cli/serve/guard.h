/* Who may ask: the Host header and the token of a request. */
#ifndef THREADLEAK_CLI_SERVE_GUARD_H
#define THREADLEAK_CLI_SERVE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "cli/serve/listen.h"
#include "cli/serve/options.h"

/*
 * DNS rebinding: a web page gives its own name the address of this machine, and its scripts then read what is
 * served here. The browser sends that name as Host. So only these are accepted: localhost, an address that is
 * no name (on loopback, one of loopback), and what --host names. A Unix socket cannot be reached by a
 * browser, and accepts every name.
 */
bool guard_host(const struct serve_options *options, const struct listener *listener, const char *host);

/* "Bearer TOKEN" with the token of the file, in a time that does not depend on the bytes. given NULL: no such
 * header. The file is read each time, so that a new token needs no restart. */
bool guard_token(const char *token_file, const char *given);

/* Can the file be used? It must be a regular file of this user or root, which nobody else can read or write.
 */
bool guard_check_file(const char *token_file, struct error *error);

#endif
