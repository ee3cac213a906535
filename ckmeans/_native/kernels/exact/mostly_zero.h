/* Fused multiply-adds, lane by lane, for the vectors of runtime/simd.h: a product and a sum that
 * are rounded once, everywhere alike.
 *
 * VD_FMA(a, b, c)  a * b + c
 * THIN_V           vectors of centers whose sums are kept in registers */
#ifndef CKMEANS_THIN_H
#define CKMEANS_THIN_H

#include <math.h>
#include "runtime/simd.h"

#if VB == 64
# define VD_FMA(a, b, c) ((vd)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#elif VB == 32
# define VD_FMA(a, b, c) ((vd)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#elif VB == 16
CKM_INLINE vd VD_FMA(vd a, vd b, vd c) {
    for (int i = 0; i < VDL; i++) c[i] = fma(a[i], b[i], c[i]);
    return c;
}
#else
# define VD_FMA(a, b, c) fma(a, b, c)
#endif

#define THIN_V 2

#endif
