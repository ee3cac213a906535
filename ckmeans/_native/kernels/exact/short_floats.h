/* Floats of 16 bits as doubles. Every one of them is a double, so nothing is rounded.
 *
 * Whole-number arithmetic on the bits, without branches, so that compilers make vectors of it, and
 * without subnormal doubles, which a processor may be set to take for zero.
 */
#ifndef CKMEANS_SHORT_FLOATS_H
#define CKMEANS_SHORT_FLOATS_H

#include <stdint.h>
#include <string.h>

#include "runtime/simd.h"

/* IEEE half: a sign, 5 bits of exponent (bias 15), 10 of fraction */
CKM_INLINE double ckm_float16(uint16_t bits) {
    const uint64_t size = bits & 0x7fff;
    const double subnormal = (double)(int32_t)size * (1.0 / (1 << 24));
    /* the exponent 31 is that of infinity and NaN, which is 2047 in a double */
    const uint64_t moved = size + ((uint64_t)(size < 0x7c00 ? 1023 - 15 : 2047 - 31) << 10);
    const uint64_t double_bits = moved << 42;
    double value;
    memcpy(&value, &double_bits, sizeof value);
    value = size < 0x400 ? subnormal : value;
    return bits >> 15 ? -value : value;
}

/* bfloat16: the upper half of a float */
CKM_INLINE double ckm_bfloat16(uint16_t bits) {
    const uint32_t float_bits = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &float_bits, sizeof value);
    return value;
}

#endif
