/* What each feature adds to the distance of a row and a center: the one thing that differs between
 * the metrics that the exact kernels are compiled for.
 *
 * CKM_METRIC  0  squared differences
 *             1  "manhattan": absolute differences
 *             2  "gaps": squared differences; a feature that is NaN in the row is left out
 */
#ifndef CKMEANS_TERMS_H
#define CKMEANS_TERMS_H

#include <math.h>

#include "runtime/simd.h"

#ifndef CKM_METRIC
# define CKM_METRIC 0
#endif
#define CKM_EUCLIDEAN (CKM_METRIC == 0)
#define CKM_MANHATTAN (CKM_METRIC == 1)
#define CKM_GAPS      (CKM_METRIC == 2)

/* VD_TERM, ckm_term  of a difference
 * ckm_shown          the distance that a sum of terms stands for
 * VD_PRODUCT, ckm_product  w * x, of a feature that is there
 * CKM_LARGEST        sums up to this one are of rows that need not be looked at again: values above
 *                    1e140 are refused */
#if CKM_MANHATTAN
# define CKM_LARGEST 1e135
CKM_INLINE vd VD_TERM(vd t) { return VD_ABS(t); }
CKM_INLINE double ckm_term(double t) { return fabs(t); }
CKM_INLINE double ckm_shown(double sum) { return sum; }
#else
# define CKM_LARGEST 1e270
CKM_INLINE double ckm_shown(double sum) { return sqrt(sum); }
#endif

#if CKM_GAPS
# if VB == 64
CKM_INLINE vd VD_TERM(vd t) {
    const __mmask8 there = _mm512_cmp_pd_mask((__m512d)t, (__m512d)t, _CMP_ORD_Q);
    return (vd)_mm512_maskz_mul_pd(there, (__m512d)t, (__m512d)t);
}
CKM_INLINE vd VD_PRODUCT(vd w, vd x) {
    const __mmask8 there = _mm512_cmp_pd_mask((__m512d)x, (__m512d)x, _CMP_ORD_Q);
    return (vd)_mm512_maskz_mul_pd(there, (__m512d)w, (__m512d)x);
}
# elif defined(__GNUC__)
typedef int64_t vd_bits __attribute__((vector_size(VB)));
CKM_INLINE vd VD_TERM(vd t) {
    const vd square = t * t;
    return (vd)((vd_bits)square & (vd_bits)(t == t));
}
CKM_INLINE vd VD_PRODUCT(vd w, vd x) {
    const vd product = w * x;
    return (vd)((vd_bits)product & (vd_bits)(x == x));
}
# else
CKM_INLINE vd VD_TERM(vd t) { return t == t ? t * t : 0; }
CKM_INLINE vd VD_PRODUCT(vd w, vd x) { return x == x ? w * x : 0; }
# endif
CKM_INLINE double ckm_term(double t) { return t == t ? t * t : 0; }
CKM_INLINE double ckm_product(double w, double x) { return x == x ? w * x : 0; }
CKM_INLINE double ckm_left(double t) { return t == t ? t - t : 0; }
#else
# if !CKM_MANHATTAN
CKM_INLINE vd VD_TERM(vd t) { return t * t; }
CKM_INLINE double ckm_term(double t) { return t * t; }
# endif
CKM_INLINE vd VD_PRODUCT(vd w, vd x) { return w * x; }
CKM_INLINE double ckm_product(double w, double x) { return w * x; }
/* ckm_left  0, or NaN of what is neither finite nor missing */
CKM_INLINE double ckm_left(double t) { return t - t; }
#endif

#endif
