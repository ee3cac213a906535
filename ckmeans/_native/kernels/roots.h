/* Square roots, lane by lane, for the vectors of runtime/simd.h. IEEE 754 rounds them correctly, so
 * every width gives the same bits.
 *
 * VD_SQRT(a)       square roots
 * VD_BINADE(a)     the powers of two below; 0 for subnormal numbers, infinity for what is not
 * finite VD_FLOATS(p, a)  stores float32 roundings at p, and returns them as doubles VD_BITS_NGT(a,
 * b)  one bit a lane: not a > b; unordered counts ROOT_ROWS, ROOT_V  rows and vectors of centers
 * that a tile of squared distances keeps in registers */
#ifndef CKMEANS_ROOTS_H
#define CKMEANS_ROOTS_H

#include <math.h>
#include "runtime/simd.h"

#if VB == 64
# define VD_SQRT(a) ((vd)_mm512_sqrt_pd((__m512d)(a)))
#elif VB == 32
# define VD_SQRT(a) ((vd)_mm256_sqrt_pd((__m256d)(a)))
#elif VB == 16 && defined(__SSE2__)
# define VD_SQRT(a) ((vd)_mm_sqrt_pd((__m128d)(a)))
#elif VB == 16
CKM_INLINE vd ckm_vd_sqrt(vd a) {
    for (int i = 0; i < VDL; i++) a[i] = sqrt(a[i]);
    return a;
}
# define VD_SQRT(a) ckm_vd_sqrt(a)
#else
# define VD_SQRT(a) sqrt(a)
#endif

#if VB == 64
# define ROOT_ROWS         8
# define ROOT_V            2
# define VD_BITS_NGT(a, b) ((uint64_t)_mm512_cmp_pd_mask((__m512d)(a), (__m512d)(b), _CMP_NGT_UQ))
#elif VB == 32
# define ROOT_ROWS 6
# define ROOT_V    2
# define VD_BITS_NGT(a, b)                                                                         \
     ((uint64_t)(unsigned)_mm256_movemask_pd(                                                      \
         _mm256_cmp_pd((__m256d)(a), (__m256d)(b), _CMP_NGT_UQ)))
#else
# define ROOT_ROWS 4
# define ROOT_V    2
# if VB == 16 && defined(__SSE2__)
#  define VD_BITS_NGT(a, b)                                                                        \
      ((uint64_t)(unsigned)_mm_movemask_pd(_mm_cmpngt_pd((__m128d)(a), (__m128d)(b))))
# elif VB == 16
#  define VD_BITS_NGT(a, b) ((uint64_t)!((a)[0] > (b)[0]) | (uint64_t)!((a)[1] > (b)[1]) << 1)
# else
#  define VD_BITS_NGT(a, b) ((uint64_t)!((a) > (b)))
# endif
#endif

#if defined(__GNUC__)
typedef float vh __attribute__((vector_size(VB / 2)));
typedef int64_t vl __attribute__((vector_size(VB)));
# define VD_BINADE(a) ((vd)((vl)(a) & 0x7ff0000000000000LL))
CKM_INLINE vd VD_FLOATS(float *p, vd a) {
# if VB == 64
    __m256 narrow = _mm512_cvtpd_ps((__m512d)a);
    _mm256_storeu_ps(p, narrow);
    return (vd)_mm512_cvtps_pd(narrow);
# elif VB == 32
    __m128 narrow = _mm256_cvtpd_ps((__m256d)a);
    _mm_storeu_ps(p, narrow);
    return (vd)_mm256_cvtps_pd(narrow);
# else
    vh narrow = __builtin_convertvector(a, vh);
    *(vh_any *)p = narrow;
    return __builtin_convertvector(narrow, vd);
# endif
}
#else
# include <string.h>
CKM_INLINE double VD_BINADE(double a) {
    uint64_t bits;
    memcpy(&bits, &a, 8);
    bits &= 0x7ff0000000000000ULL;
    memcpy(&a, &bits, 8);
    return a;
}
CKM_INLINE double VD_FLOATS(float *p, double a) { return *p = (float)a; }
#endif

#endif
