/* Python's door to kernel.c. Every length is checked against its buffer, once per call. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "kernel.h"


static int holds(const Py_buffer *view, int64_t count, int64_t size, int may_be_none) {
    if (!view->buf && may_be_none) return 1;
    return view->len / size == count && view->len % size == 0;
}

/* Whether the frame is one and its arrays are as long as it says. */
static int fits(const isthmus_frame *frame, const Py_buffer *flips, const Py_buffer *places,
                const Py_buffer *centre, const Py_buffer *threshold) {
    const int64_t n = frame->n_long;
    const int64_t kept = frame->n_code < frame->n_input ? frame->n_code : frame->n_input;
    if (frame->n_code < 1 || frame->n_input < 1 || n > 1 << 24 || n & (n - 1)
        || n != (frame->n_code > frame->n_input ? frame->n_code : frame->n_input)
        || frame->rounds < 1 || frame->rounds > 3)
        return 0;
    if (!holds(flips, frame->n_input + (frame->rounds - 1) * n, 4, 0)
        || !holds(places, kept, 4, 1) || !holds(centre, frame->n_input, 4, 1)
        || !holds(threshold, frame->n_code, 4, 1) || (kept < n && !places->buf))
        return 0;
    for (int64_t i = 0; frame->places && i < kept; i++)
        if (frame->places[i] < 0 || frame->places[i] >= n) return 0;
    return 1;
}

/* Both directions: (n_code, n_input, rounds, flips, places, centre, then either threshold,
   x, codes to fill, or scales, codes, x to fill, and the level). */
static PyObject *run(PyObject *args, int encodes) {
    Py_buffer view[6];
    long long n_code, n_input;
    int rounds, level;
    int64_t rows, done = 0;
    PyObject *result = NULL;
    const char *format = encodes ? "LLiy*z*z*z*y*w*i" : "LLiy*z*z*y*y*w*i";
    if (!PyArg_ParseTuple(args, format, &n_code, &n_input, &rounds, &view[0], &view[1],
                          &view[2], &view[3], &view[4], &view[5], &level))
        return NULL;
    const isthmus_frame frame = {
        .n_code = n_code, .n_input = n_input,
        .n_long = n_code > n_input ? n_code : n_input, .rounds = rounds,
        .flips = view[0].buf, .places = view[1].buf, .centre = view[2].buf,
        .threshold = encodes ? view[3].buf : NULL};
    const Py_buffer none = {0};
    if (!fits(&frame, &view[0], &view[1], &view[2], encodes ? &view[3] : &none)
        || level < 0 || level >= ISTHMUS_LEVELS || !isthmus_runs(level)) {
        PyErr_SetString(PyExc_ValueError, "no such frame or level, or other sizes");
        goto end;
    }
    const Py_buffer *x = &view[encodes ? 4 : 5], *codes = &view[encodes ? 5 : 4];
    rows = x->len / (4 * n_input);
    const int64_t n_scales = view[3].len / 4;
    if (!holds(x, rows * n_input, 4, 0) || !holds(codes, rows * ((n_code + 7) / 8), 1, 0)
        || (!encodes && (n_scales != 1 && n_scales != rows))) {
        PyErr_SetString(PyExc_ValueError, "rows and codes are of different numbers");
        goto end;
    }
    Py_BEGIN_ALLOW_THREADS
    if (encodes)
        done = isthmus_encode(&frame, x->buf, rows, codes->buf, level);
    else
        done = isthmus_decode(&frame, codes->buf, rows, view[3].buf, n_scales > 1, x->buf,
                              level);
    Py_END_ALLOW_THREADS
    result = done == ISTHMUS_NO_MEMORY ? PyErr_NoMemory() : PyLong_FromLongLong(done);
end:
    for (int i = 0; i < 6; i++) PyBuffer_Release(&view[i]);
    return result;
}

static PyObject *encode(PyObject *self, PyObject *args) {
    (void)self;
    return run(args, 1);
}

static PyObject *decode(PyObject *self, PyObject *args) {
    (void)self;
    return run(args, 0);
}

static PyObject *runs(PyObject *self, PyObject *args) {
    int level;
    (void)self;
    if (!PyArg_ParseTuple(args, "i", &level)) return NULL;
    return PyBool_FromLong(level >= 0 && level < ISTHMUS_LEVELS && isthmus_runs(level));
}

static PyMethodDef methods[] = {
    {"encode", encode, METH_VARARGS, "Rows to codes; -1, or the first row not finite."},
    {"decode", decode, METH_VARARGS, "Codes to rows; -1."},
    {"runs", runs, METH_VARARGS, "Whether this machine runs a level."},
    {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_kernel", NULL, -1, methods,
                                    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernel(void) {
    isthmus_prepare();
    return PyModule_Create(&module);
}
