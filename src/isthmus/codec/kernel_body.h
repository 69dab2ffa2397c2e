/* The transform at one width of vectors. kernel.c includes this file once per level, with
   W (floats per vector), NAME(x), TARGET (attribute of functions) and, where W > 1,
   LOWER(v) (butterflies inside a vector, strides above 4), LOWEST(v) (strides 4, 2, 1),
   ADD_PRODUCT(v, f, w) (v f + w) and NOT_BELOW(v, t) (a bit per lane where v >= t).

   Butterflies go from the longest stride to the shortest, in every round. That order fixes
   the rounding, and with it the bits. */

#define CHUNK (8 * W) /* entries that stay in registers for the last butterflies */

#if W == 1
typedef float NAME(vec);
typedef uint32_t NAME(mask);
#else
typedef float NAME(vec) __attribute__((vector_size(4 * W)));
typedef uint32_t NAME(mask) __attribute__((vector_size(4 * W)));
#endif
#define VEC NAME(vec)
#define MASK NAME(mask)

INLINE TARGET VEC NAME(load)(const float *p) {
    VEC v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE TARGET void NAME(store)(float *p, VEC v) { memcpy(p, &v, sizeof v); }

/* Entries i, ..., i + W - 1 of a row before its first butterfly. */
INLINE TARGET VEC NAME(fetch)(const int from, const isthmus_row *row, int64_t i) {
    if (from == FROM_BITS) {
#if W == 8
        return NAME(load)(isthmus_of_byte[row->codes[i / 8]]);
#elif W == 16
        VEC both;
        memcpy(&both, isthmus_of_byte[row->codes[i / 8]], 32);
        memcpy((char *)&both + 32, isthmus_of_byte[row->codes[i / 8 + 1]], 32);
        return both;
#else
        return isthmus_of_byte[row->codes[i / 8]][i % 8];
#endif
    }
    if (from == FROM_BUFFER) return NAME(load)(row->buffer + i);
    if (row->ahead) PREFETCH(row->ahead + i);
    VEC v = NAME(load)(row->x + i);
    if (from == FROM_CENTRED) v -= NAME(load)(row->centre + i);
    return v * NAME(load)(row->flips + i);
}

#define CROSS(a, b)                                                                       \
    do {                                                                                  \
        VEC t_ = (a) - (b);                                                               \
        (a) = (a) + (b);                                                                  \
        (b) = t_;                                                                         \
    } while (0)

/* Butterflies between vectors: log2(radix) strides, the longest first. */
INLINE TARGET void NAME(cross)(VEC *v, const int radix) {
    if (radix == 8) {
        CROSS(v[0], v[4]); CROSS(v[1], v[5]); CROSS(v[2], v[6]); CROSS(v[3], v[7]);
        CROSS(v[4], v[6]); CROSS(v[5], v[7]);
    }
    if (radix >= 4) { CROSS(v[0], v[2]); CROSS(v[1], v[3]); }
    if (radix == 8) { CROSS(v[4], v[5]); CROSS(v[6], v[7]); }
    if (radix >= 4) CROSS(v[2], v[3]);
    CROSS(v[0], v[1]);
}

/* One pass over n entries: butterflies between their `radix` equal parts. */
INLINE TARGET void NAME(pass)(const int from, const int radix, const isthmus_row *row,
                              int64_t begin, int64_t n) {
    const int64_t part = n / radix;
    float *buffer = row->buffer + begin;
    for (int64_t i = 0; i < part; i += W) {
        VEC v[8];
        for (int k = 0; k < radix; k++) v[k] = NAME(fetch)(from, row, begin + i + k * part);
        NAME(cross)(v, radix);
        for (int k = 0; k < radix; k++) NAME(store)(buffer + i + k * part, v[k]);
    }
}

/* The last butterflies, of CHUNK entries from `begin` on, and what is done with them. */
INLINE TARGET void NAME(bottom)(const int from, const int to, const int low_done,
                                const isthmus_row *row, int64_t begin) {
    VEC v[8];
    for (int k = 0; k < 8; k++) v[k] = NAME(fetch)(from, row, begin + k * W);
    /* where a chunk is one byte wide, its table has done everything */
    if (W > 1 || !low_done) NAME(cross)(v, 8);
#if W > 1
    for (int k = 0; k < 8; k++) {
        LOWER(v[k]);
        if (!low_done) LOWEST(v[k]);
    }
#endif
    if (to == TO_BUFFER) {
        for (int k = 0; k < 8; k++) NAME(store)(row->buffer + begin + k * W, v[k]);
    } else if (to == TO_ROW) {
        VEC scale;
        for (int k = 0; k < W; k++) ((float *)&scale)[k] = row->scale;
        for (int k = 0; k < 8; k++) {
            const int64_t i = begin + k * W;
            v[k] = (v[k] * scale) * NAME(load)(row->back + i);
            if (row->centre) v[k] += NAME(load)(row->centre + i);
            NAME(store)(row->out + i, v[k]);
        }
    } else {
        MASK bad;
        memcpy(&bad, row->bad, sizeof bad);
        uint8_t *code = row->out_codes + begin / 8;
        unsigned byte = 0;
        for (int k = 0; k < 8; k++) {
            VEC t = {0}, gap = v[k] - v[k];
            MASK found;
            memcpy(&found, &gap, sizeof found); /* of something not finite: no zero bits */
            bad |= found;
            if (row->threshold) t = NAME(load)(row->threshold + begin + k * W);
#if W == 1
            byte |= (unsigned)(v[k] >= t) << k;
#else
            const unsigned bits = NOT_BELOW(v[k], t);
            for (int b = 0; b < W / 8; b++) code[k * W / 8 + b] = (uint8_t)(bits >> 8 * b);
#endif
        }
        if (W == 1) code[0] = (uint8_t)byte;
        memcpy(row->bad, &bad, sizeof bad);
    }
}

/* Everything below n entries. Long rows part by part, so that each stays in cache. */
#define DESCENT(name, to, low_done)                                                       \
    static TARGET void NAME(name)(const isthmus_row *row, int64_t begin, int64_t n) {     \
        if (n == CHUNK) {                                                                 \
            NAME(bottom)(FROM_BUFFER, to, low_done, row, begin);                          \
            return;                                                                       \
        }                                                                                 \
        const int bits = RADIX_BITS(n, CHUNK);                                            \
        const int64_t part = n >> bits;                                                   \
        if (bits == 3) NAME(pass)(FROM_BUFFER, 8, row, begin, n);                         \
        if (bits == 2) NAME(pass)(FROM_BUFFER, 4, row, begin, n);                         \
        if (bits == 1) NAME(pass)(FROM_BUFFER, 2, row, begin, n);                         \
        if (part == CHUNK) /* not by a call each */                                       \
            for (int64_t i = 0; i < n; i += CHUNK)                                        \
                NAME(bottom)(FROM_BUFFER, to, low_done, row, begin + i);                  \
        else                                                                              \
            for (int64_t i = 0; i < n; i += part) NAME(name)(row, begin + i, part);       \
    }
DESCENT(to_codes, TO_CODES, 0)
DESCENT(to_buffer, TO_BUFFER, 0)
DESCENT(to_row, TO_ROW, 0)
DESCENT(to_buffer_low, TO_BUFFER, 1)
DESCENT(to_row_low, TO_ROW, 1)
#undef DESCENT

INLINE TARGET void NAME(from)(const int from, const int to, const isthmus_row *row,
                              int64_t n) {
    const int low_done = from == FROM_BITS;
    if (n == CHUNK) {
        NAME(bottom)(from, to, low_done, row, 0);
        return;
    }
    const int bits = RADIX_BITS(n, CHUNK);
    const int64_t part = n >> bits;
    if (bits == 3) NAME(pass)(from, 8, row, 0, n);
    if (bits == 2) NAME(pass)(from, 4, row, 0, n);
    if (bits == 1) NAME(pass)(from, 2, row, 0, n);
    if (part == CHUNK) {
        for (int64_t i = 0; i < n; i += CHUNK)
            NAME(bottom)(FROM_BUFFER, to, low_done, row, i);
        return;
    }
    for (int64_t i = 0; i < n; i += part) {
        if (to == TO_CODES) NAME(to_codes)(row, i, part);
        else if (to == TO_ROW && low_done) NAME(to_row_low)(row, i, part);
        else if (to == TO_ROW) NAME(to_row)(row, i, part);
        else if (low_done) NAME(to_buffer_low)(row, i, part);
        else NAME(to_buffer)(row, i, part);
    }
}

/* One round over n >= CHUNK entries. */
static TARGET void NAME(round)(int from, int to, const isthmus_row *row, int64_t n) {
#define CASE(f, t) if (from == f && to == t) NAME(from)(f, t, row, n)
    CASE(FROM_FLIPPED, TO_CODES);
    CASE(FROM_FLIPPED, TO_BUFFER);
    CASE(FROM_FLIPPED, TO_ROW);
    CASE(FROM_CENTRED, TO_CODES);
    CASE(FROM_CENTRED, TO_BUFFER);
    CASE(FROM_BUFFER, TO_CODES);
    CASE(FROM_BUFFER, TO_BUFFER);
    CASE(FROM_BUFFER, TO_ROW);
    CASE(FROM_BITS, TO_BUFFER);
    CASE(FROM_BITS, TO_ROW);
#undef CASE
}

#undef VEC
#undef MASK
#undef CROSS
#undef CHUNK
