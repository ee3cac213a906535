/* What threads and memory need from compiler and system: atomic operations, a pause, a clock, large
 * pages, and whether an address sanitizer watches. */
#ifndef CKMEANS_PLATFORM_H
#define CKMEANS_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

#if defined(_MSC_VER) && !defined(__clang__)
# include <intrin.h>
typedef volatile __int64 ckm_atomic;
static __int64 ckm_load(ckm_atomic *p) { return _InterlockedCompareExchange64(p, 0, 0); }
static void ckm_store(ckm_atomic *p, __int64 v) { _InterlockedExchange64(p, v); }
static __int64 ckm_exchange(ckm_atomic *p, __int64 v) { return _InterlockedExchange64(p, v); }
static __int64 ckm_add(ckm_atomic *p, __int64 v) { return _InterlockedExchangeAdd64(p, v) + v; }
static int ckm_cas(ckm_atomic *p, __int64 old, __int64 v) {
    return _InterlockedCompareExchange64(p, v, old) == old;
}
# if defined(_M_ARM64)
#  define ckm_pause() __yield()
# else
#  define ckm_pause() _mm_pause()
# endif
#else
typedef int64_t ckm_atomic;
static inline int64_t ckm_load(ckm_atomic *p) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); }
static inline void ckm_store(ckm_atomic *p, int64_t v) { __atomic_store_n(p, v, __ATOMIC_SEQ_CST); }
static inline int64_t ckm_exchange(ckm_atomic *p, int64_t v) {
    return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);
}
static inline int64_t ckm_add(ckm_atomic *p, int64_t v) {
    return __atomic_add_fetch(p, v, __ATOMIC_SEQ_CST);
}
static inline int ckm_cas(ckm_atomic *p, int64_t old, int64_t v) {
    return __atomic_compare_exchange_n(p, &old, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}
# if defined(__x86_64__) || defined(__i386__)
#  define ckm_pause() __builtin_ia32_pause()
# elif defined(__aarch64__)
#  define ckm_pause() __asm__ __volatile__("yield")
# else
#  define ckm_pause() ((void)0)
# endif
#endif

#if defined(__has_feature)
# if __has_feature(address_sanitizer)
#  define CKM_SANITIZED 1
# endif
#endif
#if defined(__SANITIZE_ADDRESS__)
# define CKM_SANITIZED 1
#elif !defined(CKM_SANITIZED)
# define CKM_SANITIZED 0
#endif

/* Ask for large pages for a large block: it is about to be filled, and page faults would take as
 * long as the filling. */
#if defined(__linux__)
# include <sys/mman.h>
static void ckm_want_huge_pages(void *block, size_t size) {
    const uintptr_t huge = 1u << 21;
    uintptr_t start = ((uintptr_t)block + huge - 1) & ~(huge - 1),
              stop = ((uintptr_t)block + size) & ~(huge - 1);
    if (start < stop) madvise((void *)start, stop - start, 14 /* MADV_HUGEPAGE */);
}
#else
static void ckm_want_huge_pages(void *block, size_t size) {
    (void)block;
    (void)size;
}
#endif

#if defined(_WIN32)
# include <windows.h>
static int64_t ckm_milliseconds(void) { return (int64_t)GetTickCount64(); }
#else
# include <time.h>
static int64_t ckm_milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
#endif

#endif
