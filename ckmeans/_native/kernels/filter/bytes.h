/* Products of rows and centers in bytes, the one function that each instruction set does its own
 * way: AMX tiles, VNNI, pairs of bytes (AVX2, AVX-512), and plain C.
 *
 * A word is four features. Rows lie 16 side by side, word by word, as 128 more than the number, so
 * that they are unsigned; centers lie 16 one after the other, `depth` words of each, and then the
 * next `depth` words: what a tile loads at once. All sets read the same form.
 *
 * ckm_byte_products(x, c, parts, depth, out, used, ahead)
 *   x     IN   (2, parts * depth, 16) words of 32 rows
 *   c     IN   (2, parts, 16, depth) words of 32 centers, none beyond CKM_TOP_BYTE
 *   out   OUT  (32, 32) sums over the features of (row + 128) * center
 *   used  IN   how many of the centers are asked for, at least; sums of others may be left as they
 *              are
 *   ahead IN   rows so many words ahead are fetched into the cache; 0: none
 *
 * ckm_byte_pair(x, c, words)  the sum for one row and one center, both word after word; 16 n words
 *
 * CKM_TOP_BYTE    the largest number of a center
 * CKM_BYTES_FROM  the features from which on bytes are faster than 16-bit whole numbers, as
 *                 measured
 * CKM_BYTE_COST   nanoseconds that one row's product with a center takes for 64 features, roughly
 */
#ifndef CKMEANS_BYTES_H
#define CKMEANS_BYTES_H

#include "runtime/simd.h"

#define CKM_BYTE_LANES 16
#define BYTE_VECTORS   (32 / VL) /* of the rows that are taken together */

#if defined(__AMX_INT8__) && defined(__AMX_TILE__)
# define CKM_TILES
# define CKM_TOP_BYTE   127
# define CKM_BYTES_FROM 32
# define CKM_BYTE_COST  0.05

/* The shape of all tiles of a thread, until ckm_byte_end. */
CKM_INLINE void ckm_byte_begin(ptrdiff_t depth) {
    uint8_t shape[64] __attribute__((aligned(64))) = {1};
    uint16_t *bytes_in_a_line = (uint16_t *)(shape + 16);
    uint8_t *lines = shape + 48;
    for (int t = 0; t < 8; t++) { /* 0 to 3: sums; 4, 5: centers; 6, 7: rows */
        bytes_in_a_line[t] = (uint16_t)(t == 4 || t == 5 ? 4 * depth : 64);
        lines[t] = (uint8_t)(t < 6 ? 16 : depth);
    }
    _tile_loadconfig(shape);
}
CKM_INLINE void ckm_byte_end(void) { _tile_release(); }

CKM_INLINE void ckm_tile_products(const int32_t *x, const int32_t *c, ptrdiff_t parts,
                                  ptrdiff_t depth, int32_t *out, ptrdiff_t used) {
    const ptrdiff_t size = 16 * parts * depth, tile = 16 * depth;
    _tile_zero(0);
    _tile_zero(1);
    if (used <= 16) {
        for (ptrdiff_t p = 0; p < parts; p++) {
            _tile_loadd(4, c + p * tile, 4 * depth);
            _tile_loadd(6, x + p * tile, 64);
            _tile_loadd(7, x + size + p * tile, 64);
            _tile_dpbsud(0, 4, 6);
            _tile_dpbsud(1, 4, 7);
        }
        _tile_stored(0, out, 128);
        _tile_stored(1, out + 16, 128);
        return;
    }
    _tile_zero(2);
    _tile_zero(3);
    for (ptrdiff_t p = 0; p < parts; p++) {
        _tile_loadd(4, c + p * tile, 4 * depth);
        _tile_loadd(6, x + p * tile, 64);
        _tile_loadd(7, x + size + p * tile, 64);
        _tile_loadd(5, c + size + p * tile, 4 * depth);
        _tile_dpbsud(0, 4, 6);
        _tile_dpbsud(1, 4, 7);
        _tile_dpbsud(2, 5, 6);
        _tile_dpbsud(3, 5, 7);
    }
    _tile_stored(0, out, 128);
    _tile_stored(1, out + 16, 128);
    _tile_stored(2, out + 16 * 32, 128);
    _tile_stored(3, out + 16 * 32 + 16, 128);
}

#else
CKM_INLINE void ckm_byte_begin(ptrdiff_t depth) { (void)depth; }
CKM_INLINE void ckm_byte_end(void) {}
#endif

/* CKM_ADD_BYTES(sum, x, c)  adds the products of four bytes, of x without sign, in each lane */
#if defined(__AVX512VNNI__)
# ifndef CKM_TOP_BYTE
#  define CKM_TOP_BYTE   127
#  define CKM_BYTES_FROM 32
#  define CKM_BYTE_COST  0.25
# endif
# define CKM_ADD_BYTES(sum, x, c)                                                                  \
     ((vi)_mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(x), (__m512i)(c)))
#elif VB == 64 /* 255 * 63 * 2 fits into 16 bits */
# define CKM_TOP_BYTE   63
# define CKM_BYTES_FROM 64
# define CKM_BYTE_COST  0.75
# define CKM_ADD_BYTES(sum, x, c)                                                                  \
     ((vi)_mm512_add_epi32((__m512i)(sum),                                                         \
                           _mm512_madd_epi16(_mm512_maddubs_epi16((__m512i)(x), (__m512i)(c)),     \
                                             _mm512_set1_epi16(1))))
#elif VB == 32
# define CKM_TOP_BYTE   63
# define CKM_BYTES_FROM 64
# define CKM_BYTE_COST  1.2
# define CKM_ADD_BYTES(sum, x, c)                                                                  \
     ((vi)_mm256_add_epi32((__m256i)(sum),                                                         \
                           _mm256_madd_epi16(_mm256_maddubs_epi16((__m256i)(x), (__m256i)(c)),     \
                                             _mm256_set1_epi16(1))))
#else
# define CKM_TOP_BYTE   127
# define CKM_BYTES_FROM PTRDIFF_MAX /* never */
# define CKM_BYTE_COST  8.0
#endif

#ifdef CKM_ADD_BYTES
# define CKM_BYTE_CENTERS (VB == 64 ? 8 : 2)
/* Of the first `count` centers from `c` on: a constant, so that sums stay in registers. */
CKM_INLINE void ckm_few_products(const int32_t *x, const int32_t *c, ptrdiff_t parts,
                                 ptrdiff_t depth, int32_t *out, ptrdiff_t ahead, const int count) {
    const ptrdiff_t size = 16 * parts * depth;
    const int narrow = parts * depth <= 16; /* a few lines find room in the first cache */
    vi acc[CKM_BYTE_CENTERS][BYTE_VECTORS], row[BYTE_VECTORS];
# pragma GCC unroll 8
    for (int j = 0; j < count; j++)
# pragma GCC unroll 8
        for (int v = 0; v < BYTE_VECTORS; v++) acc[j][v] = VI_SPLAT(0);
    for (ptrdiff_t p = 0; p < parts; p++, c += 16 * depth)
        for (ptrdiff_t w = 0; w < depth; w++, x += 16) {
            if (ahead) { /* by address: it may lie beyond the end, where nothing is fetched */
                if (narrow) {
                    CKM_PREFETCH((const char *)x + 4 * ahead);
                    CKM_PREFETCH((const char *)x + 4 * (ahead + size));
                } else {
                    CKM_PREFETCH_L2((const char *)x + 4 * ahead);
                    CKM_PREFETCH_L2((const char *)x + 4 * (ahead + size));
                }
            }
# pragma GCC unroll 8
            for (int v = 0; v < BYTE_VECTORS; v++)
                row[v] = VI_LOAD(x + v * VL / 16 * size + v * VL % 16);
# pragma GCC unroll 8
            for (int j = 0; j < count; j++) {
                const vi center = VI_SPLAT(c[j * depth + w]);
# pragma GCC unroll 8
                for (int v = 0; v < BYTE_VECTORS; v++)
                    acc[j][v] = CKM_ADD_BYTES(acc[j][v], row[v], center);
            }
        }
# pragma GCC unroll 8
    for (int j = 0; j < count; j++)
# pragma GCC unroll 8
        for (int v = 0; v < BYTE_VECTORS; v++) VI_STORE(out + j * 32 + v * VL, acc[j][v]);
}

CKM_INLINE void ckm_word_products(const int32_t *x, const int32_t *c, ptrdiff_t parts,
                                  ptrdiff_t depth, int32_t *out, ptrdiff_t used, ptrdiff_t ahead) {
    for (int i = 0; i < used; i += CKM_BYTE_CENTERS, ahead = 0) {
        const int32_t *from = c + (i / 16 * 16 * parts + i % 16) * depth;
        int32_t *to = out + i * 32;
        if (CKM_BYTE_CENTERS > 2 && used - i <= 2)
            ckm_few_products(x, from, parts, depth, to, ahead, 2);
        else if (CKM_BYTE_CENTERS > 4 && used - i <= 4)
            ckm_few_products(x, from, parts, depth, to, ahead, 4);
        else if (CKM_BYTE_CENTERS > 6 && used - i <= 6)
            ckm_few_products(x, from, parts, depth, to, ahead, 6);
        else
            ckm_few_products(x, from, parts, depth, to, ahead, CKM_BYTE_CENTERS);
    }
}
#else
CKM_INLINE void ckm_word_products(const int32_t *x, const int32_t *c, ptrdiff_t parts,
                                  ptrdiff_t depth, int32_t *out, ptrdiff_t used, ptrdiff_t ahead) {
    const ptrdiff_t size = 16 * parts * depth;
    (void)ahead;
    for (int i = 0; i < used; i++)
        for (int b = 0; b < 32; b++) {
            const uint8_t *row = (const uint8_t *)(x + b / 16 * size + b % 16);
            const int8_t *center = (const int8_t *)(c + i / 16 * size + i % 16 * depth);
            int32_t sum = 0;
            for (ptrdiff_t p = 0; p < parts; p++, center += 64 * depth)
                for (ptrdiff_t w = 0; w < depth; w++, row += 64)
                    for (int f = 0; f < 4; f++) sum += row[f] * center[4 * w + f];
            out[i * 32 + b] = sum;
        }
}
#endif

#ifdef CKM_ADD_BYTES
CKM_INLINE int32_t ckm_byte_pair(const int32_t *x, const int32_t *c, ptrdiff_t words) {
    vi acc = VI_SPLAT(0);
    for (ptrdiff_t w = 0; w < words; w += VL)
        acc = CKM_ADD_BYTES(acc, VI_LOAD(x + w), VI_LOAD(c + w));
# if VB == 64
    return _mm512_reduce_add_epi32((__m512i)acc);
# else
    int32_t sum = 0;
    for (int i = 0; i < VL; i++) sum += acc[i];
    return sum;
# endif
}
#else
CKM_INLINE int32_t ckm_byte_pair(const int32_t *x, const int32_t *c, ptrdiff_t words) {
    const uint8_t *row = (const uint8_t *)x;
    const int8_t *center = (const int8_t *)c;
    int32_t sum = 0;
    for (ptrdiff_t i = 0; i < 4 * words; i++) sum += row[i] * center[i];
    return sum;
}
#endif

CKM_INLINE void ckm_byte_products(const int32_t *x, const int32_t *c, ptrdiff_t parts,
                                  ptrdiff_t depth, int32_t *out, ptrdiff_t used, ptrdiff_t ahead) {
#ifdef CKM_TILES
    if (parts * depth > 8 || used > 16) { /* else tiles take longer to fill and to empty */
        ckm_tile_products(x, c, parts, depth, out, used);
        return;
    }
#endif
    ckm_word_products(x, c, parts, depth, out, used, ahead);
}

#endif
