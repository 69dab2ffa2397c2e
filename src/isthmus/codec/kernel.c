/* Sign flips, fast Walsh-Hadamard transform, comparison and packing of bits in one pass
   over float32 rows, and back: unpacking, transform, scale.

   Nothing is normalised before the comparison: a transform is sums and differences, each
   rounded once to float32, so that whoever adds in the same order gets the same bits. The
   NumPy path of butterfly.py does. No step may be fused or reordered: compile without
   -ffast-math and with -ffp-contract=off.

   Symbol 8 b + i of a row is bit i (worth 2**i) of its byte b. */
#include "kernel.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "float32 sums are kept in more digits here: the bits would differ"
#endif
#ifdef __FAST_MATH__
#error "-ffast-math would reorder sums: the bits would differ"
#endif

#ifdef _MSC_VER
#pragma fp_contract(off)
#endif

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#define PREFETCH(p) __builtin_prefetch(p)
#else
#define INLINE static __inline
#define PREFETCH(p) ((void)0)
#endif

#if defined(__GNUC__) && defined(__x86_64__)
#define HAS_X86 1
#include <immintrin.h>
#else
#define HAS_X86 0
#endif

enum { FROM_BUFFER, FROM_FLIPPED, FROM_CENTRED, FROM_BITS };
enum { TO_BUFFER, TO_CODES, TO_ROW };
enum { AHEAD = 1024 }; /* entries between what is worked on and what is fetched */

/* What one round of one row reads and writes. */
typedef struct {
    float *buffer;
    const float *x, *centre, *flips; /* read at the start */
    const float *ahead;              /* of a later row, fetched meanwhile; NULL: none */
    const uint8_t *codes;
    const float *threshold; /* at the end */
    uint8_t *out_codes;
    float *bad; /* 16 numbers: some bit is set once a sum was not finite */
    const float *back; /* flips at the end of decoding */
    float scale;
    float *out;
} isthmus_row;

/* Transforms of the eight signs of each byte. */
static float isthmus_of_byte[256][8];

void isthmus_prepare(void) {
    for (int byte = 0; byte < 256; byte++) {
        float v[8]; /* finished before it is stored: another thread may be reading */
        for (int i = 0; i < 8; i++) v[i] = byte >> i & 1 ? 1.0f : -1.0f;
        for (int h = 4; h; h /= 2)
            for (int i = 0; i < 8; i++)
                if (!(i & h)) {
                    const float a = v[i], b = v[i + h];
                    v[i] = a + b;
                    v[i + h] = a - b;
                }
        memcpy(isthmus_of_byte[byte], v, sizeof v);
    }
}

/* Strides of the next pass: 3 while as many are left above a chunk; of four 2 and 2. */
#define RADIX_BITS(n, chunk)                                                              \
    ((n) == 2 * (chunk) ? 1 : (n) == 4 * (chunk) || (n) == 16 * (chunk) ? 2 : 3)

#define W 1
#define NAME(x) portable_##x
#define TARGET
#include "kernel_body.h"
#undef W
#undef NAME
#undef TARGET

#if HAS_X86

#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(v, ...) __builtin_shufflevector(v, v, __VA_ARGS__)
#else
#define SHUFFLE(v, ...) __builtin_shuffle(v, (MASK){__VA_ARGS__})
#endif
/* swapped + v where the factor is 1, swapped - v where it is -1: times one is exact */
#define CROSS_LANES(v, factor, ...) ((v) = ADD_PRODUCT(v, factor, SHUFFLE(v, __VA_ARGS__)))

#define W 8
#define NAME(x) avx2_##x
#define TARGET __attribute__((target("avx2,fma")))
#define LOWER(v)
#define LOWEST(v)                                                                         \
    do {                                                                                  \
        const VEC four = {1, 1, 1, 1, -1, -1, -1, -1};                                    \
        const VEC two = {1, 1, -1, -1, 1, 1, -1, -1};                                     \
        const VEC one = {1, -1, 1, -1, 1, -1, 1, -1};                                     \
        CROSS_LANES(v, four, 4, 5, 6, 7, 0, 1, 2, 3);                                     \
        CROSS_LANES(v, two, 2, 3, 0, 1, 6, 7, 4, 5);                                      \
        CROSS_LANES(v, one, 1, 0, 3, 2, 5, 4, 7, 6);                                      \
    } while (0)
#define ADD_PRODUCT(v, f, w)                                                              \
    ((VEC)_mm256_fmadd_ps((__m256)(v), (__m256)(f), (__m256)(w)))
#define NOT_BELOW(v, t)                                                                   \
    ((unsigned)_mm256_movemask_ps(_mm256_cmp_ps((__m256)(v), (__m256)(t), _CMP_GE_OQ)))
#include "kernel_body.h"
#undef W
#undef NAME
#undef TARGET
#undef LOWER
#undef LOWEST
#undef ADD_PRODUCT
#undef NOT_BELOW

#define W 16
#define NAME(x) avx512_##x
#ifdef ISTHMUS_EMULATE_AVX512 /* the same butterflies for tests on machines without it */
#define TARGET __attribute__((target("avx2")))
#define ADD_PRODUCT(v, f, w) ((v) * (f) + (w))
#define NOT_BELOW(v, t)                                                                   \
    ({                                                                                    \
        unsigned bits_ = 0;                                                               \
        for (int i_ = 0; i_ < 16; i_++) bits_ |= (unsigned)((v)[i_] >= (t)[i_]) << i_;    \
        bits_;                                                                            \
    })
#else
#define TARGET __attribute__((target("avx512f")))
#define ADD_PRODUCT(v, f, w)                                                              \
    ((VEC)_mm512_fmadd_ps((__m512)(v), (__m512)(f), (__m512)(w)))
#define NOT_BELOW(v, t)                                                                   \
    ((unsigned)_mm512_cmp_ps_mask((__m512)(v), (__m512)(t), _CMP_GE_OQ))
#endif
#define LOWER(v)                                                                          \
    do {                                                                                  \
        const VEC eight = {1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1};       \
        CROSS_LANES(v, eight, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);      \
    } while (0)
#define LOWEST(v)                                                                         \
    do {                                                                                  \
        const VEC four = {1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1};        \
        const VEC two = {1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1};         \
        const VEC one = {1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1};         \
        CROSS_LANES(v, four, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);       \
        CROSS_LANES(v, two, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);        \
        CROSS_LANES(v, one, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);        \
    } while (0)
#include "kernel_body.h"
#undef W
#undef NAME
#undef TARGET
#undef LOWER
#undef LOWEST
#undef ADD_PRODUCT
#undef NOT_BELOW
#endif

/* One round; rows shorter than the level's registers go to a narrower level. */
static void one_round(int level, int from, int to, const isthmus_row *row, int64_t n) {
#if HAS_X86
    if (level >= ISTHMUS_AVX512 && n >= 128) {
        avx512_round(from, to, row, n);
        return;
    }
    if (level >= ISTHMUS_AVX2 && n >= 64) {
        avx2_round(from, to, row, n);
        return;
    }
#endif
    (void)level;
    if (n >= 8) {
        portable_round(from, to, row, n);
        return;
    }
    if (from != FROM_BUFFER) /* rows of 1, 2 or 4 entries: never to codes or rows at once */
        for (int64_t i = 0; i < n; i++) row->buffer[i] = portable_fetch(from, row, i);
    for (int64_t h = n / 2; h; h /= 2)
        for (int64_t i = 0; i < n; i++)
            if (!(i & h)) {
                const float a = row->buffer[i], b = row->buffer[i + h];
                row->buffer[i] = a + b;
                row->buffer[i + h] = a - b;
            }
}

int isthmus_runs(int level) {
    if (level == ISTHMUS_PORTABLE) return 1;
#if HAS_X86
    __builtin_cpu_init();
    if (level == ISTHMUS_AVX2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#ifdef ISTHMUS_EMULATE_AVX512
    if (level == ISTHMUS_AVX512) return __builtin_cpu_supports("avx2") != 0;
#else
    if (level == ISTHMUS_AVX512) return __builtin_cpu_supports("avx512f") != 0;
#endif
#endif
    return 0;
}

/* Zeroed, on a line of the cache; `*block` is what free() wants. */
static float *aligned_floats(int64_t count, void **block) {
    const size_t size = (size_t)count * sizeof(float) + 64;
    *block = calloc(size, 1);
    if (!*block) return NULL;
    return (float *)(((uintptr_t)*block + 63) & ~(uintptr_t)63);
}

static const float *flips_of(const isthmus_frame *frame, int round) {
    return round ? frame->flips + frame->n_input + (round - 1) * frame->n_long
                 : frame->flips;
}

/* Inputs to their places in a longer vector, zeros between. */
static void spread_input(const isthmus_frame *frame, const float *x, float *buffer) {
    const int32_t *places = frame->n_code == frame->n_long ? frame->places : NULL;
    memset(buffer, 0, (size_t)frame->n_long * sizeof(float));
    for (int64_t i = 0; i < frame->n_input; i++) {
        float v = x[i];
        if (frame->centre) v -= frame->centre[i];
        buffer[places ? places[i] : i] = v * frame->flips[i];
    }
}

/* Signs of the entries that are kept. Returns whether all of them are finite. */
static int pack_kept(const isthmus_frame *frame, const float *buffer, uint8_t *codes) {
    const int32_t *places = frame->n_code < frame->n_long ? frame->places : NULL;
    int finite = 1;
    memset(codes, 0, (size_t)((frame->n_code + 7) / 8));
    for (int64_t i = 0; i < frame->n_code; i++) {
        const float v = buffer[places ? places[i] : i];
        const float t = frame->threshold ? frame->threshold[i] : 0.0f;
        if (v >= t) codes[i / 8] |= (uint8_t)(1u << i % 8);
    }
    for (int64_t i = 0; i < frame->n_long; i++) finite &= buffer[i] - buffer[i] == 0.0f;
    return finite;
}

int64_t isthmus_encode(const isthmus_frame *frame, const float *x, int64_t rows,
                       uint8_t *codes, int level) {
    const int64_t n = frame->n_long, width = (frame->n_code + 7) / 8;
    const int spread = frame->n_input < n || (frame->n_code == n && frame->places) || n < 8;
    const int direct = frame->n_code == n && n >= 8;
    const int64_t ahead = n < AHEAD ? AHEAD / n : 1;
    void *block;
    float bad[16] = {0};
    isthmus_row row = {0};
    int64_t failed = ISTHMUS_DONE;
    row.buffer = aligned_floats(n, &block);
    if (!row.buffer) return ISTHMUS_NO_MEMORY;
    row.bad = bad;
    row.threshold = frame->threshold;
    for (int64_t i = 0; i < rows && failed == ISTHMUS_DONE; i++) {
        int from = frame->centre ? FROM_CENTRED : FROM_FLIPPED, finite = 1;
        row.x = x + i * frame->n_input;
        row.ahead = i + ahead < rows ? row.x + ahead * frame->n_input : NULL;
        row.centre = frame->centre;
        row.out_codes = codes + i * width;
        if (spread) {
            spread_input(frame, row.x, row.buffer);
            from = FROM_BUFFER;
            row.x = row.buffer;
        }
        for (int r = 0; r < frame->rounds; r++) {
            const int to = direct && r == frame->rounds - 1 ? TO_CODES : TO_BUFFER;
            row.flips = flips_of(frame, r);
            one_round(level, from, to, &row, n);
            from = FROM_FLIPPED;
            row.x = row.buffer;
            row.ahead = NULL;
        }
        if (!direct) finite = pack_kept(frame, row.buffer, row.out_codes);
        for (int k = 0; k < 16; k++) {
            uint32_t bits;
            memcpy(&bits, bad + k, sizeof bits);
            finite &= !bits;
        }
        if (!finite) failed = i;
    }
    free(block);
    return failed;
}

int64_t isthmus_decode(const isthmus_frame *frame, const uint8_t *codes, int64_t rows,
                       const float *scales, int64_t scale_step, float *x, int level) {
    const int64_t n = frame->n_long, width = (frame->n_code + 7) / 8;
    const int kept = frame->n_code < n; /* the places are those of symbols, not of inputs */
    const int32_t *of_codes = kept ? frame->places : NULL;
    const int32_t *of_inputs = kept ? NULL : frame->places;
    const int direct = frame->n_input == n && !of_inputs && n >= 8;
    void *block;
    isthmus_row row = {0};
    row.buffer = aligned_floats(n, &block);
    if (!row.buffer) return ISTHMUS_NO_MEMORY;
    row.centre = frame->centre;
    row.back = frame->flips;
    for (int64_t i = 0; i < rows; i++) {
        int from = FROM_BITS;
        row.codes = codes + i * width;
        row.scale = scales[i * scale_step];
        row.out = x + i * frame->n_input;
        row.x = row.buffer;
        if (kept || n < 8) {
            from = FROM_BUFFER;
            memset(row.buffer, 0, (size_t)n * sizeof(float));
            for (int64_t j = 0; j < frame->n_code; j++)
                row.buffer[of_codes ? of_codes[j] : j] =
                    row.codes[j / 8] >> j % 8 & 1 ? 1.0f : -1.0f;
        }
        for (int r = frame->rounds - 1; r >= 0; r--) {
            const int to = direct && r == 0 ? TO_ROW : TO_BUFFER;
            one_round(level, from, to, &row, n);
            from = FROM_FLIPPED;
            row.flips = flips_of(frame, r); /* of the round before, for the next turn */
        }
        if (direct) continue;
        for (int64_t j = 0; j < frame->n_input; j++) {
            const float v = row.buffer[of_inputs ? of_inputs[j] : j];
            row.out[j] = (v * row.scale) * frame->flips[j];
            if (frame->centre) row.out[j] += frame->centre[j];
        }
    }
    free(block);
    return ISTHMUS_DONE;
}
