/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* serve: who may ask. */
#include "serve/serve.h"

#include <strings.h>

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Up to the first character that is none of base64. */
static void base64_decode(const char *text, char *out, size_t size)
{
    unsigned bits = 0;
    unsigned count = 0;
    size_t used = 0;
    for (; base64_digit(*text) >= 0 && used + 1 < size; text++) {
        bits = (bits << 6 | (unsigned)base64_digit(*text)) & 0xffff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[used++] = (char)(bits >> count & 0xff);
        }
    }
    out[used] = '\0';
}

/* Takes the same time wherever they differ. */
static bool same_secret(const char *given, const char *token)
{
    size_t size = strlen(given);
    bool same_size = size == strlen(token);
    const char *other = same_size ? token : given;
    unsigned different = !same_size;
    for (size_t i = 0; i < size; i++) {
        different |= (unsigned)(unsigned char)(given[i] ^ other[i]);
    }
    return different == 0;
}

bool access_token(const char *authorization, const char *token)
{
    char decoded[1024];
    if (authorization && strncasecmp(authorization, "Bearer ", 7) == 0) {
        return same_secret(authorization + 7, token);
    }
    if (!authorization || strncasecmp(authorization, "Basic ", 6) != 0) {
        return false;
    }
    base64_decode(authorization + 6, decoded, sizeof decoded);
    const char *password = strchr(decoded, ':');
    return password && same_secret(password + 1, token);
}

bool access_loopback(const char *host)
{
    static const char *const names[] = {"localhost", "[::1]"};
    for (size_t i = 0; host && i < sizeof names / sizeof *names; i++) {
        size_t size = strlen(names[i]);
        if (strncasecmp(host, names[i], size) == 0 && (!host[size] || host[size] == ':')) {
            return true;
        }
    }
    return host && strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.:") == strlen(host);
}
