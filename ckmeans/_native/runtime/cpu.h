/* Which instruction sets this CPU (and operating system) can run. */
#ifndef CKMEANS_CPU_H
#define CKMEANS_CPU_H

/* Whether AMX tiles may be used: the CPU has them, and the kernel, which is asked once, lets this
 * process have them. */
#if defined(__linux__) && defined(__x86_64__) && defined(__GNUC__)
# include <cpuid.h>
# include <sys/syscall.h>
# include <unistd.h>
static int ckm_has_amx_tiles(void) {
    enum { ASK = 0x1023, TILE_DATA = 18 }; /* ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA */
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    if (!(d & 1u << 24) || !(d & 1u << 25)) return 0; /* tiles, and their bytes */
    return syscall(SYS_arch_prctl, ASK, TILE_DATA) == 0;
}
#else
static int ckm_has_amx_tiles(void) { return 0; }
#endif

#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)
static int ckm_has_avx2(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
static int ckm_has_avx512(void) {
    __builtin_cpu_init();
    return ckm_has_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
}
static int ckm_has_avx512vnni(void) {
    return ckm_has_avx512() && __builtin_cpu_supports("avx512vnni");
}
#elif defined(_M_X64)
# include <intrin.h>
static int ckm_x64_level(void) {
    int r[4];
    unsigned long long saved;
    __cpuid(r, 1);
    if (!(r[2] & (1 << 27)) || !(r[2] & (1 << 12))) return 0; /* OSXSAVE, FMA */
    saved = _xgetbv(0);
    if ((saved & 6) != 6) return 0; /* the system keeps YMM registers */
    __cpuidex(r, 7, 0);
    if (!(r[1] & (1 << 5))) return 0;
    if ((saved & 0xe6) != 0xe6) return 1;
    if (!(r[1] & (1 << 16)) || !(r[1] & (1 << 17)) || !(r[1] & (1 << 30)) || !(r[1] & (1u << 31)))
        return 1;
    return r[2] & (1 << 11) ? 3 : 2;
}
static int ckm_has_avx2(void) { return ckm_x64_level() >= 1; }
static int ckm_has_avx512(void) { return ckm_x64_level() >= 2; }
static int ckm_has_avx512vnni(void) { return ckm_x64_level() >= 3; }
#else
static int ckm_has_avx2(void) { return 0; }
static int ckm_has_avx512(void) { return 0; }
static int ckm_has_avx512vnni(void) { return 0; }
#endif

static int ckm_has_amx(void) { return ckm_has_avx512vnni() && ckm_has_amx_tiles(); }

#ifdef __VERSION__
# define CKM_COMPILER __VERSION__
#elif defined(_MSC_FULL_VER)
# define CKM_COMPILER "MSVC"
#else
# define CKM_COMPILER "unknown"
#endif

#endif
