/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Frames: tables that are given to others through Arrow's PyCapsule interface. Whoever takes one
 * shares its memory; the last who lets go frees it, in any thread and without Python. */
#include <stdlib.h>

#include "arrow.h"
#include "table.h"

PyTypeObject *frame_type;

typedef struct frame {
    PyObject_HEAD table *data;
} frame;

/* ---- schemas ------------------------------------------------------------------------------- */

static void release_schema(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i]->release) {
            schema->children[i]->release(schema->children[i]);
        }
    }
    free(schema->children);
    table_release(schema->private_data);
    schema->release = NULL;
}

static void schema_of(table *data, const char *format, const char *name, struct ArrowSchema *out)
{
    atomic_fetch_add(&data->references, 1);
    *out = (struct ArrowSchema){.format = format,
                                .name = name,
                                .flags = ARROW_FLAG_NULLABLE,
                                .release = release_schema,
                                .private_data = data};
}

/* Children are behind the array of pointers to them, in one piece of memory. */
static bool export_schema(table *data, struct ArrowSchema *out)
{
    size_t count = data->column_count;
    struct ArrowSchema **children = malloc(count * (sizeof *children + sizeof **children));
    if (!children) {
        return false;
    }
    struct ArrowSchema *each = (struct ArrowSchema *)(void *)(children + count);
    for (size_t i = 0; i < count; i++) {
        schema_of(data, data->columns[i].format, data->columns[i].name, &each[i]);
        children[i] = &each[i];
    }
    schema_of(data, "+s", "", out);
    out->flags = 0;
    out->n_children = (int64_t)count;
    out->children = children;
    return true;
}

/* ---- arrays -------------------------------------------------------------------------------- */

typedef struct held_array {
    table *data;
    const void *buffers[3];
} held_array;

static void release_array(struct ArrowArray *array)
{
    held_array *held = array->private_data;
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]->release) {
            array->children[i]->release(array->children[i]);
        }
    }
    free(array->children);
    table_release(held->data);
    free(held);
    array->release = NULL;
}

static bool array_of(table *data, const column *of, struct ArrowArray *out)
{
    held_array *held = calloc(1, sizeof *held);
    if (!held) {
        return false;
    }
    held->data = data;
    atomic_fetch_add(&data->references, 1);
    *out = (struct ArrowArray){.length = (int64_t)data->row_count,
                               .n_buffers = 1,
                               .buffers = held->buffers,
                               .release = release_array,
                               .private_data = held};
    if (of) {
        out->null_count = of->nulls;
        out->n_buffers = of->offsets ? 3 : 2;
        held->buffers[0] = of->valid;
        held->buffers[1] = of->offsets ? (const void *)of->offsets : of->values;
        held->buffers[2] = of->values;
    }
    return true;
}

static bool export_array(table *data, struct ArrowArray *out)
{
    size_t count = data->column_count;
    struct ArrowArray **children = malloc(count * (sizeof *children + sizeof **children));
    if (!children || !array_of(data, NULL, out)) {
        free(children);
        return false;
    }
    struct ArrowArray *each = (struct ArrowArray *)(void *)(children + count);
    out->children = children;
    for (size_t i = 0; i < count; i++) {
        if (!array_of(data, &data->columns[i], &each[i])) {
            release_array(out);
            return false;
        }
        children[i] = &each[i];
        out->n_children++;
    }
    return true;
}

/* ---- streams: the whole table at once, then the end ---------------------------------------- */

typedef struct held_stream {
    table *data;
    bool given;
} held_stream;

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    held_stream *held = stream->private_data;
    return export_schema(held->data, out) ? 0 : ENOMEM;
}

static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    held_stream *held = stream->private_data;
    if (held->given) {
        out->release = NULL;
        return 0;
    }
    held->given = true;
    return export_array(held->data, out) ? 0 : ENOMEM;
}

static const char *stream_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "memory is short";
}

static void release_stream(struct ArrowArrayStream *stream)
{
    held_stream *held = stream->private_data;
    table_release(held->data);
    free(held);
    stream->release = NULL;
}

/* ---- capsules ------------------------------------------------------------------------------ */

static void drop_stream(PyObject *capsule)
{
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (stream->release) {
        stream->release(stream);
    }
    free(stream);
}

static void drop_schema(PyObject *capsule)
{
    struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, "arrow_schema");
    if (schema->release) {
        schema->release(schema);
    }
    free(schema);
}

static PyObject *arrow_c_stream(frame *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"requested_schema", NULL};
    PyObject *ignored; /* the schema is the frame's own, as the interface allows */
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O", names, &ignored)) {
        return NULL;
    }
    struct ArrowArrayStream *stream = calloc(1, sizeof *stream);
    held_stream *held = calloc(1, sizeof *held);
    if (!stream || !held) {
        free(stream);
        free(held);
        return PyErr_NoMemory();
    }
    atomic_fetch_add(&self->data->references, 1);
    held->data = self->data;
    *stream =
        (struct ArrowArrayStream){stream_schema, stream_next, stream_error, release_stream, held};
    PyObject *capsule = PyCapsule_New(stream, "arrow_array_stream", drop_stream);
    if (!capsule) {
        release_stream(stream);
        free(stream);
    }
    return capsule;
}

static PyObject *arrow_c_schema(frame *self, PyObject *unused)
{
    (void)unused;
    struct ArrowSchema *schema = calloc(1, sizeof *schema);
    if (!schema || !export_schema(self->data, schema)) {
        free(schema);
        return PyErr_NoMemory();
    }
    PyObject *capsule = PyCapsule_New(schema, "arrow_schema", drop_schema);
    if (!capsule) {
        release_schema(schema);
        free(schema);
    }
    return capsule;
}

/* [(name, Arrow's format), ...] */
static PyObject *columns(frame *self, PyObject *unused)
{
    (void)unused;
    PyObject *list = PyList_New((Py_ssize_t)self->data->column_count);
    for (size_t i = 0; list && i < self->data->column_count; i++) {
        const column *one = &self->data->columns[i];
        PyObject *item = Py_BuildValue("ss", one->name, one->format);
        if (!item || PyList_SetItem(list, (Py_ssize_t)i, item) < 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

static Py_ssize_t frame_length(PyObject *self)
{
    return (Py_ssize_t)((frame *)self)->data->row_count;
}

static void frame_dealloc(PyObject *object)
{
    frame *self = (frame *)object;
    if (self->data) {
        table_release(self->data);
    }
    type_free(object);
}

PyObject *frame_new(const record *row, const void *rows, size_t count, bool floats)
{
    frame *self = (frame *)PyType_GenericNew(frame_type, NULL, NULL);
    if (self) {
        self->data = table_new(row, rows, count, floats);
        if (!self->data) {
            Py_CLEAR(self);
        }
    }
    return (PyObject *)self;
}

static PyMethodDef methods[] = {
    METHOD("__arrow_c_stream__", arrow_c_stream, METH_VARARGS | METH_KEYWORDS, NULL),
    METHOD("__arrow_c_schema__", arrow_c_schema, METH_NOARGS, NULL),
    METHOD("columns", columns, METH_NOARGS, NULL),
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, (void *)frame_dealloc},
    {Py_sq_length, (void *)frame_length},
    {Py_tp_methods, methods},
    {0, NULL},
};
static PyType_Spec spec = {"tesser_journal._native.Frame", sizeof(frame), 0, Py_TPFLAGS_DEFAULT,
                           slots};

bool frame_setup(PyObject *module)
{
    frame_type = type_new(module, "Frame", &spec);
    return frame_type != NULL;
}
