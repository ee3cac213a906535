/* Transposes a block of VL x VL floats for the filter, and adds up the squares of its rows
 * (for Manhattan distances, their magnitudes).
 *
 * Two stages of shuffles within lanes of four floats, then whole lanes are exchanged: one
 * instruction for each vector and stage.
 */
#ifndef CKMEANS_PACK_H
#define CKMEANS_PACK_H

#include "kernels/exact/terms.h"

/* What the norms of packed rows add up: squares, or magnitudes. */
#if CKM_MANHATTAN
# define CKM_SIZE(x) VF_MAX(x, -(x))
#else
# define CKM_SIZE(x) ((x) * (x))
#endif

#if defined(__clang__)
# define CKM_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#elif defined(__GNUC__)
# define CKM_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (vi){__VA_ARGS__})
#endif

#if VL == 16
# define CKM_LOW(a, b) CKM_SHUFFLE(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
# define CKM_HIGH(a, b)                                                                            \
     CKM_SHUFFLE(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
# define CKM_LOW2(a, b) CKM_SHUFFLE(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
# define CKM_HIGH2(a, b)                                                                           \
     CKM_SHUFFLE(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
# define CKM_FIRST(a, b) CKM_SHUFFLE(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
# define CKM_LAST(a, b)                                                                            \
     CKM_SHUFFLE(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)
# define CKM_EVEN(a, b) CKM_SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
# define CKM_ODD(a, b) CKM_SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)
#elif VL == 8
# define CKM_LOW(a, b)   CKM_SHUFFLE(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
# define CKM_HIGH(a, b)  CKM_SHUFFLE(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
# define CKM_LOW2(a, b)  CKM_SHUFFLE(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
# define CKM_HIGH2(a, b) CKM_SHUFFLE(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
# define CKM_FIRST(a, b) CKM_SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
# define CKM_LAST(a, b)  CKM_SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15)
#elif VL == 4
# define CKM_LOW(a, b)   CKM_SHUFFLE(a, b, 0, 4, 1, 5)
# define CKM_HIGH(a, b)  CKM_SHUFFLE(a, b, 2, 6, 3, 7)
# define CKM_LOW2(a, b)  CKM_SHUFFLE(a, b, 0, 1, 4, 5)
# define CKM_HIGH2(a, b) CKM_SHUFFLE(a, b, 2, 3, 6, 7)
#endif

#if VL >= 4
/* Of four rows: lane L of column q is feature 4 L + q of each. */
# define CKM_FOUR(from, stride, t0, t1, t2, t3)                                                    \
     do {                                                                                          \
         const vf a_ = VF_LOAD(from), b_ = VF_LOAD((from) + (stride));                             \
         const vf c_ = VF_LOAD((from) + 2 * (stride)), d_ = VF_LOAD((from) + 3 * (stride));        \
         const vf ab_ = CKM_LOW(a_, b_), cd_ = CKM_LOW(c_, d_), ab2_ = CKM_HIGH(a_, b_),           \
                  cd2_ = CKM_HIGH(c_, d_);                                                         \
         t0 = CKM_LOW2(ab_, cd_);                                                                  \
         t1 = CKM_HIGH2(ab_, cd_);                                                                 \
         t2 = CKM_LOW2(ab2_, cd2_);                                                                \
         t3 = CKM_HIGH2(ab2_, cd2_);                                                               \
     } while (0)
#endif

/* from   IN   VL rows, `stride` floats apart, of VL features
 * to     OUT  (VL, VL) features, `to_stride` floats apart
 * Returns the sum of each row's squares or magnitudes, within 5 roundings. */
CKM_INLINE vf ckm_pack_square(const float *from, ptrdiff_t stride, float *to, ptrdiff_t to_stride) {
#if VL == 16
    vf t[4][4];
    vf sum[4];
    CKM_FOUR(from, stride, t[0][0], t[0][1], t[0][2], t[0][3]);
    CKM_FOUR(from + 4 * stride, stride, t[1][0], t[1][1], t[1][2], t[1][3]);
    CKM_FOUR(from + 8 * stride, stride, t[2][0], t[2][1], t[2][2], t[2][3]);
    CKM_FOUR(from + 12 * stride, stride, t[3][0], t[3][1], t[3][2], t[3][3]);
# pragma GCC unroll 4
    for (int q = 0; q < 4; q++) {
        const vf x = CKM_FIRST(t[0][q], t[1][q]), y = CKM_FIRST(t[2][q], t[3][q]);
        const vf z = CKM_LAST(t[0][q], t[1][q]), w = CKM_LAST(t[2][q], t[3][q]);
        const vf f0 = CKM_EVEN(x, y), f1 = CKM_ODD(x, y), f2 = CKM_EVEN(z, w), f3 = CKM_ODD(z, w);
        VF_STORE(to + q * to_stride, f0);
        VF_STORE(to + (4 + q) * to_stride, f1);
        VF_STORE(to + (8 + q) * to_stride, f2);
        VF_STORE(to + (12 + q) * to_stride, f3);
        sum[q] = (CKM_SIZE(f0) + CKM_SIZE(f1)) + (CKM_SIZE(f2) + CKM_SIZE(f3));
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
#elif VL == 8
    vf t[2][4];
    vf sum[4];
    CKM_FOUR(from, stride, t[0][0], t[0][1], t[0][2], t[0][3]);
    CKM_FOUR(from + 4 * stride, stride, t[1][0], t[1][1], t[1][2], t[1][3]);
# pragma GCC unroll 4
    for (int q = 0; q < 4; q++) {
        const vf f0 = CKM_FIRST(t[0][q], t[1][q]), f1 = CKM_LAST(t[0][q], t[1][q]);
        VF_STORE(to + q * to_stride, f0);
        VF_STORE(to + (4 + q) * to_stride, f1);
        sum[q] = CKM_SIZE(f0) + CKM_SIZE(f1);
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
#elif VL == 4
    vf t[4];
    CKM_FOUR(from, stride, t[0], t[1], t[2], t[3]);
# pragma GCC unroll 4
    for (int q = 0; q < 4; q++) VF_STORE(to + q * to_stride, t[q]);
    return (CKM_SIZE(t[0]) + CKM_SIZE(t[1])) + (CKM_SIZE(t[2]) + CKM_SIZE(t[3]));
#else
    *to = *from;
    return CKM_SIZE(*from);
#endif
}

#endif
