/* Square roots, lane by lane, for the vectors of simd.h. IEEE 754 rounds them correctly, so every width gives the same bits. */
#ifndef CKMEANS_ROOTS_H
#define CKMEANS_ROOTS_H

#include <math.h>
#include "simd.h"

#if VB == 64
#  define VD_SQRT(a) ((vd)_mm512_sqrt_pd((__m512d)(a)))
#elif VB == 32
#  define VD_SQRT(a) ((vd)_mm256_sqrt_pd((__m256d)(a)))
#elif VB == 16 && defined(__SSE2__)
#  define VD_SQRT(a) ((vd)_mm_sqrt_pd((__m128d)(a)))
#elif VB == 16
CKM_INLINE vd ckm_vd_sqrt(vd a)
{
    for (int i = 0; i < VDL; i++) a[i] = sqrt(a[i]);
    return a;
}
#  define VD_SQRT(a) ckm_vd_sqrt(a)
#else
#  define VD_SQRT(a) sqrt(a)
#endif

#endif
