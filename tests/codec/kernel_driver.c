/* Runs kernel.c over many shapes, for the address and undefined-behaviour sanitisers: every
   array is exactly as long as it is said to be. Codes and rows of all levels that run here
   must be those of plain loops in the stated order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

static uint64_t state = 1;

static uint32_t word(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

static float number(void) { return (float)(int32_t)(word() - (1u << 30)) / (1 << 28); }

static void *array(int64_t count, size_t size) {
    void *made = malloc(count ? (size_t)count * size : 1);
    if (!made) abort();
    return made;
}

static void butterflies(float *v, int64_t n) {
    for (int64_t h = n / 2; h; h /= 2)
        for (int64_t i = 0; i < n; i++)
            if (!(i & h)) {
                const float a = v[i], b = v[i + h];
                v[i] = a + b;
                v[i + h] = a - b;
            }
}

static void plain_encode(const isthmus_frame *f, const float *x, uint8_t *code) {
    const int64_t n = f->n_long;
    float *v = calloc((size_t)n, sizeof *v);
    for (int64_t i = 0; i < f->n_input; i++)
        v[f->places && f->n_code == n ? f->places[i] : i] =
            (x[i] - (f->centre ? f->centre[i] : 0.0f)) * f->flips[i];
    butterflies(v, n);
    for (int r = 1; r < f->rounds; r++) {
        for (int64_t i = 0; i < n; i++) v[i] *= f->flips[f->n_input + (r - 1) * n + i];
        butterflies(v, n);
    }
    memset(code, 0, (size_t)((f->n_code + 7) / 8));
    for (int64_t i = 0; i < f->n_code; i++)
        if (v[f->places && f->n_code < n ? f->places[i] : i]
            >= (f->threshold ? f->threshold[i] : 0.0f))
            code[i / 8] |= (uint8_t)(1 << i % 8);
    free(v);
}

static void plain_decode(const isthmus_frame *f, const uint8_t *code, float scale,
                         float *x) {
    const int64_t n = f->n_long;
    float *v = calloc((size_t)n, sizeof *v);
    for (int64_t i = 0; i < f->n_code; i++)
        v[f->places && f->n_code < n ? f->places[i] : i] =
            code[i / 8] >> i % 8 & 1 ? 1.0f : -1.0f;
    butterflies(v, n);
    for (int r = f->rounds - 1; r > 0; r--) {
        for (int64_t i = 0; i < n; i++) v[i] *= f->flips[f->n_input + (r - 1) * n + i];
        butterflies(v, n);
    }
    for (int64_t i = 0; i < f->n_input; i++) {
        x[i] = v[f->places && f->n_code == n ? f->places[i] : i] * scale * f->flips[i];
        if (f->centre) x[i] += f->centre[i];
    }
    free(v);
}

/* Some different places below n, in a random order. */
static int32_t *some_places(int64_t n, int64_t count) {
    int32_t *all = array(n, sizeof *all), *made = array(count, sizeof *made);
    for (int64_t i = 0; i < n; i++) all[i] = (int32_t)i;
    for (int64_t i = 0; i < count; i++) {
        const int64_t j = i + word() % (n - i);
        const int32_t kept = all[j];
        all[j] = all[i];
        made[i] = kept;
    }
    free(all);
    return made;
}

static int failures = 0, cases = 0;

static void check(int64_t n_code, int64_t n_input, int rounds, int with, int64_t rows) {
    const int64_t n = n_code > n_input ? n_code : n_input, width = (n_code + 7) / 8;
    const int64_t n_flips = n_input + (rounds - 1) * n;
    float *flips = array(n_flips, 4), *centre = array(n_input, 4);
    float *threshold = array(n_code, 4), *x = array(rows * n_input, 4);
    float *back = array(rows * n_input, 4), *plain = array(n_input, 4);
    float *scales = array(rows, 4);
    uint8_t *codes = array(rows * width, 1), *code = array(width, 1);
    for (int64_t i = 0; i < n_flips; i++) flips[i] = word() & 1 ? 1.0f : -1.0f;
    for (int64_t i = 0; i < n_input; i++) centre[i] = number();
    for (int64_t i = 0; i < n_code; i++) threshold[i] = number();
    for (int64_t i = 0; i < rows * n_input; i++) x[i] = number();
    for (int64_t i = 0; i < rows; i++) scales[i] = number();
    const int32_t *places = with & 4 || n_code != n_input
        ? some_places(n, n_code < n_input ? n_code : n_input) : NULL;
    const isthmus_frame frame = {n_code, n_input, n, rounds, flips, places,
                                 with & 1 ? centre : NULL, with & 2 ? threshold : NULL};
    for (int level = 0; level < ISTHMUS_LEVELS; level++) {
        if (!isthmus_runs(level)) continue;
        int good = isthmus_encode(&frame, x, rows, codes, level) == ISTHMUS_DONE;
        for (int64_t i = 0; i < rows; i++) {
            plain_encode(&frame, x + i * n_input, code);
            good &= !memcmp(code, codes + i * width, (size_t)width);
        }
        isthmus_decode(&frame, codes, rows, scales, rows > 1, back, level);
        for (int64_t i = 0; i < rows; i++) {
            plain_decode(&frame, codes + i * width, scales[i], plain);
            good &= !memcmp(plain, back + i * n_input, (size_t)n_input * 4);
        }
        if (rows) { /* one number that is none, anywhere */
            float *const spoilt = x + word() % (rows * n_input);
            const float kept = *spoilt;
            uint32_t odd = word() & 1 ? 0x7f800000u : 0xffc00000u;
            memcpy(spoilt, &odd, sizeof odd);
            good &= isthmus_encode(&frame, x, rows, codes, level) == (spoilt - x) / n_input;
            *spoilt = kept;
        }
        cases++;
        if (!good) {
            failures++;
            printf("level %d differs: %d x %d, %d rounds, with %d\n", level, (int)n_code,
                   (int)n_input, rounds, with);
        }
    }
    free(flips), free(centre), free(threshold), free(x), free(back), free(plain);
    free(scales), free(codes), free(code), free((void *)places);
}

int main(void) {
    isthmus_prepare();
    for (int bits = 0; bits <= 13; bits++)
        for (int rounds = 1; rounds <= 3; rounds++)
            for (int with = 0; with < 8; with++) {
                const int64_t n = (int64_t)1 << bits, short_side = 1 + word() % n;
                check(n, n, rounds, with, 3);
                check(n, short_side, rounds, with, 2);
                check(short_side, n, rounds, with, 1);
                check(n, n, rounds, with, 0);
            }
    check(1 << 17, 1 << 17, 2, 1, 1);
    int levels = 0;
    for (int level = 0; level < ISTHMUS_LEVELS; level++) levels += isthmus_runs(level);
    printf("%d levels, %d cases, %d failures\n", levels, cases, failures);
    return failures != 0;
}
