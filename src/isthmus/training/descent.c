/* Steepest descent over signs, in whole numbers: bit_search.py defines it, and its NumPy path
   gives the same signs, because sums of whole numbers do not depend on their order. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if !defined(__GNUC__)
#error "vectors of GCC or Clang are needed; without them the NumPy path serves"
#endif
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

enum { PORTABLE, AVX2, AVX512, LEVELS };
enum { PADDING = 16, ISTHMUS_BARRED = 1 << 30 };

/* One row at work; n numbers each, n a multiple of PADDING. */
typedef struct {
    int64_t n;
    int32_t *c, *masks, *diagonal, *best_c, *best_masks, *ring;
} isthmus_row;

#define WIDTH 4
#define NAME(x) portable_##x
#define TARGET
#include "descent_body.h"

#if defined(__x86_64__)
#define WIDTH 8
#define NAME(x) avx2_##x
#define TARGET __attribute__((target("avx2")))
#include "descent_body.h"

#define WIDTH 16
#define NAME(x) avx512_##x
#define TARGET __attribute__((target("avx512f,avx512dq")))
#include "descent_body.h"
#endif

static int runs_level(int level) {
    if (level == PORTABLE) return 1;
#if defined(__x86_64__)
    if (level == AVX2) return __builtin_cpu_supports("avx2") != 0;
    if (level == AVX512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
#endif
    return 0;
}

static int64_t search_row(int level, const isthmus_row *row, const int32_t *gram,
                          const int32_t *diagonal, int64_t extra, int64_t tenure) {
#if defined(__x86_64__)
    if (level == AVX512) return avx512_search(row, gram, diagonal, extra, tenure);
    if (level == AVX2) return avx2_search(row, gram, diagonal, extra, tenure);
#endif
    (void)level;
    return portable_search(row, gram, diagonal, extra, tenure);
}

static int64_t search_rows(int64_t n, int64_t rows, const int32_t *gram,
                           const int32_t *diagonal, const int32_t *c, int8_t *signs,
                           int64_t extra, int64_t tenure, int level, int32_t *memory) {
    int64_t flips = 0;
    const isthmus_row row = {.n = n, .c = memory, .masks = memory + n,
                             .diagonal = memory + 2 * n, .best_c = memory + 3 * n,
                             .best_masks = memory + 4 * n, .ring = memory + 5 * n};
    for (int64_t r = 0; r < rows; r++) {
        int8_t *y = signs + r * n;
        memcpy(row.c, c + r * n, sizeof(int32_t) * (size_t)n);
        memcpy(row.diagonal, diagonal, sizeof(int32_t) * (size_t)n);
        for (int64_t i = 0; i < n; i++) row.masks[i] = y[i] < 0 ? -1 : 0;
        flips += search_row(level, &row, gram, diagonal, extra, tenure);
        for (int64_t i = 0; i < n; i++) y[i] = row.masks[i] ? -1 : 1;
    }
    return flips;
}

static PyObject *search(PyObject *self, PyObject *args) {
    Py_buffer gram, diagonal, c, signs;
    long long n, extra, tenure;
    int level;
    PyObject *result = NULL;
    (void)self;
    if (!PyArg_ParseTuple(args, "Ly*y*y*w*LLi", &n, &gram, &diagonal, &c, &signs, &extra,
                          &tenure, &level))
        return NULL;
    const int64_t rows = n > 0 ? signs.len / n : 0;
    if (n < PADDING || n % PADDING || n > 1 << 20 || gram.len != 4 * n * n
        || diagonal.len != 4 * n || signs.len != rows * n || c.len != 4 * rows * n
        || extra < 0 || (extra && (tenure < 1 || tenure >= n)) || level < 0
        || level >= LEVELS || !runs_level(level)) {
        PyErr_SetString(PyExc_ValueError, "no such level, or other sizes");
        goto end;
    }
    void *memory = NULL;
    if (posix_memalign(&memory, 64, 4 * 6 * (size_t)n)) {
        PyErr_NoMemory();
        goto end;
    }
    int64_t flips;
    Py_BEGIN_ALLOW_THREADS
    flips = search_rows(n, rows, gram.buf, diagonal.buf, c.buf, signs.buf, extra, tenure,
                        level, memory);
    Py_END_ALLOW_THREADS
    free(memory);
    result = PyLong_FromLongLong(flips);
end:
    PyBuffer_Release(&gram);
    PyBuffer_Release(&diagonal);
    PyBuffer_Release(&c);
    PyBuffer_Release(&signs);
    return result;
}

static PyObject *runs(PyObject *self, PyObject *args) {
    int level;
    (void)self;
    if (!PyArg_ParseTuple(args, "i", &level)) return NULL;
    return PyBool_FromLong(runs_level(level));
}

static PyMethodDef methods[] = {
    {"search", search, METH_VARARGS, "Signs of lower energy, in place; flips done."},
    {"runs", runs, METH_VARARGS, "Whether this machine runs a level."},
    {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_descent", NULL, -1, methods,
                                    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__descent(void) { return PyModule_Create(&module); }
