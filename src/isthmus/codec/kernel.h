/* Randomised Walsh-Hadamard codes of float32 rows: see kernel.c. */
#ifndef ISTHMUS_KERNEL_H
#define ISTHMUS_KERNEL_H

#include <stdint.h>

enum { ISTHMUS_PORTABLE, ISTHMUS_AVX2, ISTHMUS_AVX512, ISTHMUS_LEVELS };
enum { ISTHMUS_DONE = -1, ISTHMUS_NO_MEMORY = -2 };

/* One frame. n_long, the larger of both sizes, is a power of two. */
typedef struct {
    int64_t n_code, n_input, n_long;
    int rounds;
    const float *flips;     /* +-1: n_input of them, then n_long for each further round */
    const int32_t *places;  /* of the shorter side in the longer one; NULL: in order */
    const float *centre;    /* n_input numbers, subtracted or added; NULL: none */
    const float *threshold; /* n_code numbers; NULL: zero */
} isthmus_frame;

/* Fills a table that decoding reads; once, before anything else. */
void isthmus_prepare(void);

/* Whether this machine runs a level of ISTHMUS_PORTABLE ... */
int isthmus_runs(int level);

/* Rows to ceil(n_code / 8) bytes each. Returns ISTHMUS_DONE, ISTHMUS_NO_MEMORY, or the
   first row with an entry or a sum that is not finite. */
int64_t isthmus_encode(const isthmus_frame *frame, const float *x, int64_t rows,
                       uint8_t *codes, int level);

/* Back to n_input numbers each, times scales[row * scale_step]. */
int64_t isthmus_decode(const isthmus_frame *frame, const uint8_t *codes, int64_t rows,
                       const float *scales, int64_t scale_step, float *x, int level);

#endif
