/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which process this is. */
#ifndef TJ_BASE_PROCESS_H
#define TJ_BASE_PROCESS_H

#include <sys/types.h>

/* getpid() without the system call, for every save; also right in a child that was made without
 * fork handlers. */
pid_t tj__pid(void);

#endif
