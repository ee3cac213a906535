/* Vectors for the instruction set this file is compiled for.
 *
 * One kernel source, several instruction sets: the width VB follows from the compiler's flags,
 * arithmetic on `vf` (float lanes) and `vd` (double lanes) is written with plain operators, and
 * only what C has no operator for is a macro here. Compilers without vector extensions get vectors
 * of one lane: slow, but the same results.
 */
#ifndef CKMEANS_SIMD_H
#define CKMEANS_SIMD_H

#include <stddef.h>
#include <stdint.h>

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__)
# include <immintrin.h>
# define VB     64
# define TILE_V 4 /* vectors of rows and centers that a tile keeps in registers */
# define TILE_C 6
#elif defined(__AVX2__) && defined(__FMA__)
# include <immintrin.h>
# define VB     32
# define TILE_V 2
# define TILE_C 6
#elif defined(__GNUC__)
# define VB 16
# if defined(__SSE2__)
#  include <emmintrin.h>
#  define TILE_V 2
#  define TILE_C 4
# else /* NEON and others with 32 registers */
#  define TILE_V 4
#  define TILE_C 6
# endif
#else
# define VB     4
# define TILE_V 1
# define TILE_C 4
#endif

#if VB == 4
/* The same where rows are broadcast and centers are lanes: vectors of centers, rows. */
# define ROWS_V 1
# define ROWS_C 4
#elif TILE_V == 4
# define ROWS_V 2
# define ROWS_C 8
#else
# define ROWS_V 2
# define ROWS_C TILE_C
#endif

#ifndef CKM_DEBUG_BOUNDS
# define CKM_DEBUG_BOUNDS 0 /* 1: every bound is held against true distances; see setup.py */
#endif
#define VL      (VB / 4)               /* float lanes */
#define VDL     (VB >= 8 ? VB / 8 : 1) /* double lanes */
#define BLOCK_V (16 / VDL)             /* double vectors to a block of centers */

/* VD_FROM_FLOATS(p)  as many float32 values as there are double lanes, widened */
#if defined(__GNUC__)
typedef float vf __attribute__((vector_size(VB)));
typedef int32_t vi __attribute__((vector_size(VB)));
typedef double vd __attribute__((vector_size(VB)));
typedef float vf_any __attribute__((vector_size(VB), aligned(4), may_alias));
typedef int32_t vi_any __attribute__((vector_size(VB), aligned(4), may_alias));
typedef double vd_any __attribute__((vector_size(VB), aligned(8), may_alias));
# define VF_LOAD(p)     ((vf) * (const vf_any *)(p))
# define VF_STORE(p, v) (*(vf_any *)(p) = (v))
# define VI_LOAD(p)     ((vi) * (const vi_any *)(p))
# define VI_STORE(p, v) (*(vi_any *)(p) = (v))
# define VD_LOAD(p)     ((vd) * (const vd_any *)(p))
# define VD_STORE(p, v) (*(vd_any *)(p) = (v))
/* x - 0 is x, so that compilers drop the subtraction. */
# define VF_SPLAT(x) ((float)(x) - (vf){0})
# define VI_SPLAT(x) ((int32_t)(x) - (vi){0})
# define VD_SPLAT(x) ((double)(x) - (vd){0})
typedef float vh_any __attribute__((vector_size(VB / 2), aligned(4), may_alias));
# if VB == 64 /* (GCC takes a vector to pieces to convert it) */
#  define VD_FROM_FLOATS(p) ((vd)_mm512_cvtps_pd(_mm256_loadu_ps(p)))
# elif VB == 32
#  define VD_FROM_FLOATS(p) ((vd)_mm256_cvtps_pd(_mm_loadu_ps(p)))
# else
#  define VD_FROM_FLOATS(p) __builtin_convertvector(*(const vh_any *)(p), vd)
# endif
# define CKM_NOINLINE    __attribute__((noinline))
# define CKM_INLINE      static inline __attribute__((always_inline))
# define CKM_CTZ64(x)    __builtin_ctzll(x)
# define CKM_PREFETCH(p) __builtin_prefetch(p)
/* Into the second cache: with many rows on their way, the first one has no room for more. */
# define CKM_PREFETCH_L2(p) __builtin_prefetch(p, 0, 2)
#else
typedef float vf;
typedef int32_t vi;
typedef double vd;
# define VF_LOAD(p)        (*(const float *)(p))
# define VF_STORE(p, v)    (*(float *)(p) = (v))
# define VI_LOAD(p)        (*(const int32_t *)(p))
# define VI_STORE(p, v)    (*(int32_t *)(p) = (v))
# define VD_LOAD(p)        (*(const double *)(p))
# define VD_STORE(p, v)    (*(double *)(p) = (v))
# define VF_SPLAT(x)       ((float)(x))
# define VI_SPLAT(x)       ((int32_t)(x))
# define VD_SPLAT(x)       ((double)(x))
# define VD_FROM_FLOATS(p) ((double)*(const float *)(p))
# define CKM_NOINLINE
# define CKM_PREFETCH(p)    ((void)0)
# define CKM_PREFETCH_L2(p) ((void)0)
# define CKM_INLINE         static
CKM_INLINE int CKM_CTZ64(uint64_t x) {
    int i = 0;
    while (!(x & 1)) {
        x >>= 1;
        i++;
    }
    return i;
}
#endif

/* ckm_transpose       transposes a 4 x 4 block of floats; strides in floats
 * ckm_transpose_rows  the same, rows anywhere
 * ckm_sq_distances    four rows' sums of (x + c / 2)^2, in any order */
#if defined(__GNUC__)
typedef float v4 __attribute__((vector_size(16)));
typedef int32_t v4i __attribute__((vector_size(16)));
typedef float v4_any __attribute__((vector_size(16), aligned(4), may_alias));
# if defined(__clang__)
#  define CKM_MIX(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
# else
#  define CKM_MIX(a, b, i, j, k, l) __builtin_shuffle(a, b, (v4i){i, j, k, l})
# endif
# define CKM_V4(p) ((v4) * (const v4_any *)(p))
CKM_INLINE void ckm_turn4(v4 *r) {
    v4 ab = CKM_MIX(r[0], r[1], 0, 4, 1, 5), cd = CKM_MIX(r[2], r[3], 0, 4, 1, 5);
    v4 ef = CKM_MIX(r[0], r[1], 2, 6, 3, 7), gh = CKM_MIX(r[2], r[3], 2, 6, 3, 7);
    r[0] = CKM_MIX(ab, cd, 0, 1, 4, 5);
    r[1] = CKM_MIX(ab, cd, 2, 3, 6, 7);
    r[2] = CKM_MIX(ef, gh, 0, 1, 4, 5);
    r[3] = CKM_MIX(ef, gh, 2, 3, 6, 7);
}
CKM_INLINE void ckm_transpose_rows(const float *a, const float *b, const float *c, const float *d,
                                   float *to, ptrdiff_t to_stride) {
    v4 r[4] = {CKM_V4(a), CKM_V4(b), CKM_V4(c), CKM_V4(d)};
    ckm_turn4(r);
    for (int i = 0; i < 4; i++) *(v4_any *)(to + i * to_stride) = r[i];
}
CKM_INLINE void ckm_sq_distances(const float **x, const float **c, ptrdiff_t d, float *out) {
    v4 sum[4] = {{0}, {0}, {0}, {0}}, t;
    const v4 half = {0.5f, 0.5f, 0.5f, 0.5f};
    ptrdiff_t f = 0, rest = d & 3;
    for (; f + 4 <= d; f += 4)
        for (int i = 0; i < 4; i++) {
            t = CKM_V4(x[i] + f) + half * CKM_V4(c[i] + f);
            sum[i] += t * t;
        }
    if (rest && f) { /* the last four once more, less what is in the sums already */
        const v4 fresh = {0, rest > 2, rest > 1, 1};
        for (int i = 0; i < 4; i++) {
            t = fresh * (CKM_V4(x[i] + d - 4) + half * CKM_V4(c[i] + d - 4));
            sum[i] += t * t;
        }
    } else
        for (; f < d; f++)
            for (int i = 0; i < 4; i++) {
                float s = x[i][f] + 0.5f * c[i][f];
                sum[i][0] += s * s;
            }
    ckm_turn4(sum);
    *(v4_any *)out = (sum[0] + sum[1]) + (sum[2] + sum[3]);
}
#else
CKM_INLINE void ckm_transpose_rows(const float *a, const float *b, const float *c, const float *d,
                                   float *to, ptrdiff_t to_stride) {
    for (int i = 0; i < 4; i++) {
        to[i * to_stride] = a[i];
        to[i * to_stride + 1] = b[i];
        to[i * to_stride + 2] = c[i];
        to[i * to_stride + 3] = d[i];
    }
}
CKM_INLINE void ckm_sq_distances(const float **x, const float **c, ptrdiff_t d, float *out) {
    for (int i = 0; i < 4; i++) {
        out[i] = 0;
        for (ptrdiff_t f = 0; f < d; f++) {
            float s = x[i][f] + 0.5f * c[i][f];
            out[i] += s * s;
        }
    }
}
#endif
CKM_INLINE void ckm_transpose(const float *from, ptrdiff_t from_stride, float *to,
                              ptrdiff_t to_stride) {
    ckm_transpose_rows(from, from + from_stride, from + 2 * from_stride, from + 3 * from_stride, to,
                       to_stride);
}

/* VF_MIN, VF_MAX   lane by lane
 * VI_PICK_LT(a, b, x, y), VF_PICK_LT  x where a < b, else y
 * VF_LEAST(a)      the lowest lane
 * VF_BITS_LE(a, b), VI_BITS_NE(a, b)  one bit a lane; unordered counts as "<=" so that a NaN is
 * never taken for proof */
/* VD_MAX(a, b), VD_ABS(a)   lane by lane */
#if VB == 64
# define VD_MAX(a, b) ((vd)_mm512_max_pd((__m512d)(a), (__m512d)(b)))
# define VD_ABS(a)    ((vd)_mm512_abs_pd((__m512d)(a)))
#elif VB == 32
# define VD_MAX(a, b) ((vd)_mm256_max_pd((__m256d)(a), (__m256d)(b)))
# define VD_ABS(a)    VD_MAX(a, -(a))
#elif VB == 16
typedef int64_t vdi __attribute__((vector_size(VB)));
CKM_INLINE vd ckm_vd_max(vd a, vd b) {
    vdi m = (vdi)(a > b);
    return (vd)(((vdi)a & m) | ((vdi)b & ~m));
}
# define VD_MAX(a, b) ckm_vd_max(a, b)
# define VD_ABS(a)    ckm_vd_max(a, -(a))
#else
# define VD_MAX(a, b) ((a) > (b) ? (a) : (b))
# define VD_ABS(a)    ((a) < 0 ? -(a) : (a))
#endif

/* VD_EVERYWHERE(p), VD_EVERYWHERE_FLOAT(p)  the value at p in every lane. (As whole numbers: Zen 4
 * loads those into all lanes for nothing, but sends float64 through the units that add.)
 * VD_ONE()                     1 in every lane, which compilers do not know
 * VD_MULTIPLIED_LESS(a, b, c)  a * b - c, rounded once if b is 1 */
#if VB == 64
# define VD_EVERYWHERE(p) ((vd)_mm512_set1_epi64(*(const long long *)(p)))
# define VD_EVERYWHERE_FLOAT(p)                                                                    \
     ((vd)_mm512_cvtps_pd((__m256)_mm256_set1_epi32(*(const int32_t *)(p))))
# define VD_MULTIPLIED_LESS(a, b, c) ((vd)_mm512_fmsub_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#elif VB == 32
# define VD_EVERYWHERE(p)       ((vd)_mm256_set1_epi64x(*(const long long *)(p)))
# define VD_EVERYWHERE_FLOAT(p) ((vd)_mm256_cvtps_pd((__m128)_mm_set1_epi32(*(const int32_t *)(p))))
# define VD_MULTIPLIED_LESS(a, b, c) ((vd)_mm256_fmsub_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#else
# define VD_EVERYWHERE(p)            VD_SPLAT(*(const double *)(p))
# define VD_EVERYWHERE_FLOAT(p)      VD_SPLAT(*(const float *)(p))
# define VD_MULTIPLIED_LESS(a, b, c) ((a) - (c))
#endif
CKM_INLINE vd VD_ONE(void) {
    vd one = VD_SPLAT(1);
#if VB >= 32
    __asm__("" : "+v"(one));
#endif
    return one;
}

#if VB == 64
# define VF_MIN(a, b) ((vf)_mm512_min_ps((__m512)(a), (__m512)(b)))
# define VF_MAX(a, b) ((vf)_mm512_max_ps((__m512)(a), (__m512)(b)))
# define VI_PICK_LT(a, b, x, y)                                                                    \
     ((vi)_mm512_mask_mov_epi32(                                                                   \
         (__m512i)(y), _mm512_cmp_ps_mask((__m512)(a), (__m512)(b), _CMP_LT_OQ), (__m512i)(x)))
# define VF_BITS_LE(a, b) ((uint64_t)_mm512_cmp_ps_mask((__m512)(a), (__m512)(b), _CMP_NGT_UQ))
# define VI_BITS_NE(a, b) ((uint64_t)_mm512_cmpneq_epi32_mask((__m512i)(a), (__m512i)(b)))
#elif VB == 32
# define VF_MIN(a, b) ((vf)_mm256_min_ps((__m256)(a), (__m256)(b)))
# define VF_MAX(a, b) ((vf)_mm256_max_ps((__m256)(a), (__m256)(b)))
# define VI_PICK_LT(a, b, x, y)                                                                    \
     ((vi)_mm256_blendv_ps((__m256)(y), (__m256)(x),                                               \
                           _mm256_cmp_ps((__m256)(a), (__m256)(b), _CMP_LT_OQ)))
# define VF_BITS_LE(a, b)                                                                          \
     ((uint64_t)(unsigned)_mm256_movemask_ps(_mm256_cmp_ps((__m256)(a), (__m256)(b), _CMP_NGT_UQ)))
# define VI_BITS_NE(a, b)                                                                          \
     ((uint64_t)(0xffu & ~(unsigned)_mm256_movemask_ps(                                            \
                             (__m256)_mm256_cmpeq_epi32((__m256i)(a), (__m256i)(b)))))
#elif VB == 16
# if defined(__SSE2__)
#  define VF_MIN(a, b) ((vf)_mm_min_ps((__m128)(a), (__m128)(b)))
#  define VF_MAX(a, b) ((vf)_mm_max_ps((__m128)(a), (__m128)(b)))
#  define VF_BITS_LE(a, b)                                                                         \
      ((uint64_t)(unsigned)_mm_movemask_ps(_mm_cmpngt_ps((__m128)(a), (__m128)(b))))
#  define VI_BITS_NE(a, b)                                                                         \
      ((uint64_t)(0xfu & ~(unsigned)_mm_movemask_ps(                                               \
                             (__m128)_mm_cmpeq_epi32((__m128i)(a), (__m128i)(b)))))
# else
CKM_INLINE vf ckm_vf_pick(vi m, vf x, vf y) { return (vf)(((vi)x & m) | ((vi)y & ~m)); }
CKM_INLINE uint64_t ckm_vi_bits(vi m) {
    uint64_t bits = 0;
    for (int i = 0; i < VL; i++) bits |= (uint64_t)(m[i] & 1) << i;
    return bits;
}
#  define VF_MIN(a, b)     ckm_vf_pick((a) < (b), (a), (b))
#  define VF_MAX(a, b)     ckm_vf_pick((a) > (b), (a), (b))
#  define VF_BITS_LE(a, b) ckm_vi_bits(~((a) > (b)))
#  define VI_BITS_NE(a, b) ckm_vi_bits((a) != (b))
# endif
CKM_INLINE vi ckm_vi_pick(vi m, vi x, vi y) { return (x & m) | (y & ~m); }
# define VI_PICK_LT(a, b, x, y) ckm_vi_pick((vi)((a) < (b)), (x), (y))
#else
# define VF_MIN(a, b)           ((a) < (b) ? (a) : (b))
# define VF_MAX(a, b)           ((a) > (b) ? (a) : (b))
# define VI_PICK_LT(a, b, x, y) ((a) < (b) ? (x) : (y))
# define VF_BITS_LE(a, b)       ((uint64_t)!((a) > (b)))
# define VI_BITS_NE(a, b)       ((uint64_t)((a) != (b)))
#endif

#if defined(__GNUC__)
# define VF_PICK_LT(a, b, x, y) ((vf)VI_PICK_LT(a, b, (vi)(x), (vi)(y)))
#else
# define VF_PICK_LT(a, b, x, y) VI_PICK_LT(a, b, x, y)
#endif
/* VI_ADD_PRODUCTS(sum, a, b)  each lane is two 16-bit whole numbers, the first in the lower half:
 * adds the product of the first ones and that of the second ones CKM_QUANTA_FROM: the features from
 * which on that is faster than float32, as measured VF_FROM_INTS(a)             rounded to nearest
 * VI_NEAREST(a)               the nearest whole numbers, of magnitudes below 2^22 */
#if defined(__AVX512VNNI__)
# define CKM_QUANTA_FROM 32
# define VI_ADD_PRODUCTS(sum, a, b)                                                                \
     ((vi)_mm512_dpwssd_epi32((__m512i)(sum), (__m512i)(a), (__m512i)(b)))
#elif VB == 64
# define CKM_QUANTA_FROM 48
# define VI_ADD_PRODUCTS(sum, a, b)                                                                \
     ((vi)_mm512_add_epi32((__m512i)(sum), _mm512_madd_epi16((__m512i)(a), (__m512i)(b))))
#elif VB == 32
# define CKM_QUANTA_FROM 32
# define VI_ADD_PRODUCTS(sum, a, b)                                                                \
     ((vi)_mm256_add_epi32((__m256i)(sum), _mm256_madd_epi16((__m256i)(a), (__m256i)(b))))
#elif VB == 16 && defined(__SSE2__)
# define CKM_QUANTA_FROM 24
# define VI_ADD_PRODUCTS(sum, a, b)                                                                \
     ((vi)_mm_add_epi32((__m128i)(sum), _mm_madd_epi16((__m128i)(a), (__m128i)(b))))
#else
# define CKM_QUANTA_FROM            PTRDIFF_MAX /* never */
CKM_INLINE vi ckm_add_products(vi sum, vi a, vi b) {
    const vi a_low = ((a & 0xffff) ^ 0x8000) - 0x8000, b_low = ((b & 0xffff) ^ 0x8000) - 0x8000;
    return sum + (a_low * b_low + (a >> 16) * (b >> 16));
}
# define VI_ADD_PRODUCTS(sum, a, b) ckm_add_products(sum, a, b)
#endif
#if VB == 64
# define VF_FROM_INTS(a) ((vf)_mm512_cvtepi32_ps((__m512i)(a)))
#elif VB == 32
# define VF_FROM_INTS(a) ((vf)_mm256_cvtepi32_ps((__m256i)(a)))
#elif VB == 16 && defined(__SSE2__)
# define VF_FROM_INTS(a) ((vf)_mm_cvtepi32_ps((__m128i)(a)))
#elif defined(__GNUC__)
# define VF_FROM_INTS(a) __builtin_convertvector(a, vf)
#else
# define VF_FROM_INTS(a) ((float)(a))
#endif
#if defined(__GNUC__) /* (added to 1.5 * 2^23 they are the lowest bits of a float) */
# define VI_NEAREST(a) ((vi)((a) + VF_SPLAT(12582912.0f)) - 0x4b400000)
#else
# define VI_NEAREST(a) ((int32_t)lrintf(a))
#endif

#if VB == 64
# define VF_LEAST(a) _mm512_reduce_min_ps((__m512)(a))
#else
CKM_INLINE float VF_LEAST(vf a) {
    float lanes[VL];
    int i, half;
    VF_STORE(lanes, a);
    for (half = VL / 2; half > 0; half /= 2)
        for (i = 0; i < half; i++)
            lanes[i] = lanes[i] < lanes[i + half] ? lanes[i] : lanes[i + half];
    return lanes[0];
}
#endif

/* A column index, read once, for another thread may change it at any time: 0 for one that is none
 * of d columns. */
CKM_INLINE ptrdiff_t ckm_column(const int32_t *columns, ptrdiff_t e, ptrdiff_t d) {
    const int32_t column = ((const volatile int32_t *)columns)[e];
    return (uint32_t)column < (uint32_t)d ? column : 0;
}

#endif
