/* Descent of rows at one width of vectors, included once per width.
   WIDTH: numbers in a vector. NAME(x): x with the width in its name. TARGET: attributes. */

/* Numbers that may begin anywhere. */
typedef int32_t NAME(vec) __attribute__((vector_size(4 * WIDTH), aligned(4)));
#define VEC NAME(vec)

/* Adds `column` with the sign of `sign` to c (unless column is NULL), and finds the least of
   y c + diagonal and where it stands first. Signs are masks: -1 for -1, 0 for +1. */
TARGET static inline __attribute__((always_inline)) int64_t NAME(step)(
    const isthmus_row *row, const int32_t *column, int32_t sign, int32_t *least) {
    const VEC turn = (VEC){0} + sign;
    VEC low = (VEC){0} + INT32_MAX, low_at = {0}, at = {0};
    for (int64_t i = 0; i < row->n; i += WIDTH) {
        VEC c = *(const VEC *)(row->c + i);
        if (column) {
            c += (*(const VEC *)(column + i) ^ turn) - turn;
            *(VEC *)(row->c + i) = c;
        }
        const VEC mask = *(const VEC *)(row->masks + i);
        const VEC gain = ((c ^ mask) - mask) + *(const VEC *)(row->diagonal + i);
        const VEC less = gain < low;
        low = (gain & less) | (low & ~less);
        low_at = (at & less) | (low_at & ~less);
        at += 1;
    }
    int64_t best = INT64_MAX; /* gain above, place below: the first of equals wins */
    for (int l = 0; l < WIDTH; l++) {
        const int64_t key = (int64_t)((uint64_t)(int64_t)low[l] << 32
                                      | (uint32_t)(low_at[l] * WIDTH + l));
        best = key < best ? key : best;
    }
    *least = (int32_t)(best >> 32);
    return (int64_t)(uint32_t)best;
}

/* Flips while that lowers the energy; returns how often. */
TARGET static inline __attribute__((always_inline)) int64_t NAME(down)(
    const isthmus_row *row, const int32_t *gram, int32_t *least, int64_t *place) {
    int64_t flips = 0;
    *place = NAME(step)(row, NULL, 0, least);
    while (*least < 0) {
        const int32_t sign = row->masks[*place];
        row->masks[*place] = ~sign;
        *place = NAME(step)(row, gram + *place * row->n, sign, least);
        flips++;
    }
    return flips;
}

/* One row: down, then `extra` flips of the best bit that was not flipped among the last
   `tenure`, then down from the lowest place seen. */
TARGET static int64_t NAME(search)(const isthmus_row *row, const int32_t *gram,
                                   const int32_t *diagonal, int64_t extra, int64_t tenure) {
    const size_t bytes = sizeof(int32_t) * (size_t)row->n;
    int32_t least;
    int64_t place, energy = 0, lowest = 0;
    int64_t flips = NAME(down)(row, gram, &least, &place);
    if (!extra) return flips;
    memcpy(row->best_c, row->c, bytes);
    memcpy(row->best_masks, row->masks, bytes);
    for (int64_t q = 0; q < extra; q++) {
        if (q >= tenure) row->diagonal[row->ring[q % tenure]] = diagonal[row->ring[q % tenure]];
        row->ring[q % tenure] = (int32_t)place;
        row->diagonal[place] = ISTHMUS_BARRED;
        energy += least;
        const int32_t sign = row->masks[place];
        row->masks[place] = ~sign;
        place = NAME(step)(row, gram + place * row->n, sign, &least);
        if (energy < lowest && (least >= 0 || q + 1 == extra)) {
            lowest = energy;
            memcpy(row->best_c, row->c, bytes);
            memcpy(row->best_masks, row->masks, bytes);
        }
    }
    memcpy(row->c, row->best_c, bytes);
    memcpy(row->masks, row->best_masks, bytes);
    memcpy(row->diagonal, diagonal, bytes);
    return flips + extra + NAME(down)(row, gram, &least, &place);
}

#undef VEC
#undef NAME
#undef TARGET
#undef WIDTH
