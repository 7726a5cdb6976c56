/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* In place of http.c where libmicrohttpd was not there when the program was built. */
#include "serve/serve.h"

tj_status http_load(tj_error *error)
{
    return fail(error, TJ_UNSUPPORTED,
                "this program was built without libmicrohttpd and serves no page: build it where "
                "libmicrohttpd-dev is installed");
}

tj_status http_start(const http_options *options, http_server **out, tj_error *error)
{
    (void)options;
    (void)out;
    return http_load(error);
}

void http_tick(http_server *server)
{
    (void)server;
}

void http_stop(http_server *server)
{
    (void)server;
}
