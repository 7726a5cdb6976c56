/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What Tesser's JSON reader makes of a number. */
#ifndef TJ_MIGRATE_NUMBERS_H
#define TJ_MIGRATE_NUMBERS_H

#include <tesser/base.h>

typedef enum tj__number_fate {
    TJ__NUMBER_KEPT,       /* it is written again with the same value */
    TJ__NUMBER_BESIDE,     /* of two neighbouring doubles the wrong one is taken */
    TJ__NUMBER_ROUNDED,    /* more digits than a double keeps, down to nothing */
    TJ__NUMBER_WIDE,       /* an integer of more than 64 bits becomes a float */
    TJ__NUMBER_MINUS_ZERO, /* the integer -0 becomes a float */
    TJ__NUMBER_REFUSED     /* beyond the doubles: the whole text is refused */
} tj__number_fate;

/* number is a number of valid JSON. */
tj__number_fate tj__number_fate_of(tj_str number);

#endif
