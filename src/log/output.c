/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Writing and flushing a batch, and going over to the next file. */
#include "log/output.h"

#include "base/error.h"
#include "base/file.h"
#include "base/thread.h"

void tj__log_output_init(tj__log_output *output, const tj__log_writer_options *options,
                         uint64_t sequence, const tj__log_file *file)
{
    *output = (tj__log_output){.on_acknowledged = options->acknowledged,
                               .make_space = options->make_space,
                               .in_place = options->in_place,
                               .context = options->context,
                               .metrics = options->metrics,
                               .acknowledged = sequence,
                               .file = *file};
}

void tj__log_output_dispose(tj__log_output *output)
{
    tj__file_close(output->file.fd);
}

/* P8: a log that was moved or replaced while it was open takes no more records. A look that failed
 * says nothing about the files, which are open and locked: the next batch looks again. */
static tj_status check(void *context, tj_error *error)
{
    tj__log_output *output = context;
    uint64_t now = tj__monotonic_ns();
    if (now - output->place_checked_ns < TJ__PLACE_CHECK_NS) {
        return TJ_OK;
    }
    if (output->in_place) {
        TJ_TRY(output->in_place(output->context, error));
    }
    TJ_TRY(tj__log_file_in_place(&output->file, error));
    output->place_checked_ns = now;
    return TJ_OK;
}

static tj_status write_bytes(const tj__log_output *output, const tj__batch *batch, tj_error *error)
{
    const tj__log_file *file = &output->file;
    tj_status status = TJ_OK;
    do {
        status = tj__file_write_at(file->fd, file->path, batch->bytes.data, batch->bytes.size,
                                   batch->offset, error);
    } while (status == TJ_FULL && output->make_space && output->make_space(output->context));
    return status;
}

/* A full disk may refuse the very first byte: then nothing of the batch is in the log. */
static bool nothing_entered(const tj__log_output *output, const tj__batch *batch)
{
    uint8_t first = 0;
    size_t got = 0;
    return tj__file_read_some(output->file.fd, output->file.path, &first, 1, batch->offset, &got,
                              NULL) == TJ_OK &&
           got == 1 && first == 0;
}

static tj_status write_batch(void *context, const tj__batch *batch, bool flush, bool *entered,
                             tj_error *error)
{
    const tj__log_output *output = context;
    uint64_t start = flush && output->metrics ? tj__monotonic_ns() : 0;
    tj_status status = write_bytes(output, batch, error);
    if (status == TJ_FULL) {
        *entered = !nothing_entered(output, batch);
    }
    TJ_TRY(status);
    if (flush) {
        TJ_TRY(tj__file_sync_data(output->file.fd, output->file.path, error));
    }
    if (output->metrics) {
        tj__metrics_add(&output->metrics->log_bytes, batch->bytes.size);
    }
    if (flush && output->metrics) {
        tj__histogram_add_since(&output->metrics->flush_us, start);
    }
    return TJ_OK;
}

static tj_status acknowledged(void *context, uint64_t sequence, tj_error *error)
{
    tj__log_output *output = context;
    if (output->metrics) {
        tj__histogram_add(&output->metrics->flush_commits, sequence - output->acknowledged);
    }
    output->acknowledged = sequence;
    return output->on_acknowledged ? output->on_acknowledged(output->context, sequence, error)
                                   : TJ_OK;
}

static void ended(void *context, const tj__batch *batch)
{
    tj__log_output *output = context;
    if (batch->successor) {
        int replaced = output->file.fd;
        output->file = *(const tj__log_file *)batch->successor;
        tj__file_close(replaced);
    }
}

const tj__group_ops tj__log_output_ops = {
    .check = check, .write = write_batch, .acknowledged = acknowledged, .ended = ended};
