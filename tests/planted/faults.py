# SPDX-License-Identifier: MIT OR Apache-2.0
"""Faults that a change could bring into the library, and the tests that must turn red.

A fault is a piece of a source file and what stands there instead; the piece stands in the file once. When a
change moves it, the fault is to be planted again in its new place: check/planted says which no longer fit.
Each test is a program of the build with its arguments; every one of them must notice.
"""


class Fault:
    def __init__(self, name, file, old, new, *red):
        self.name = name
        self.file = file
        self.old = old
        self.new = new
        self.red = red


FAULTS = [
    # ---- commits --------------------------------------------------------------------------------
    Fault("the tip is advanced before the append", "src/store/commit.c",
          """    TJ_TRY(engine->ops->append(engine, &commit, &outcome->sequence, error));
    tj__tip_advance(core->tip, outcome->sequence);
""",
          """    tj__tip_advance(core->tip, engine->ops->appended(engine) + 1);
    TJ_TRY(engine->ops->append(engine, &commit, &outcome->sequence, error));
""",
          "test_strength_retry"),
    Fault("a commit id is not looked up", "src/store/commit.c",
          "if (earlier != 0) {", "if (earlier == UINT64_MAX) {",
          "test_contract_commit", "test_strength_operations"),
    Fault("an expected sequence is not compared", "src/commit/resolve_books.c",
          "book->state_sequence > expected)", "book->state_sequence == UINT64_MAX)",
          "test_contract_commit", "test_strength_operations"),
    Fault("a counter's block begins with the last number of the one before", "src/commit/counter.c",
          "tj__store_u64(value + 1, first + count);", "tj__store_u64(value + 1, first + count - 1);",
          "test_strength_counters", "test_strength_operations"),
    Fault("a counter is not flushed in os mode", "src/store/counter.c",
          "options.sync = true;", "options.sync = false;",
          "test_strength_durability"),
    # ---- the past ------------------------------------------------------------------------------
    Fault("a replay stops short of what was asked for", "src/history/replay.c",
          "return tj__replay_fell_short(reader, sequence, error);", "return TJ_OK;",
          "test_history_past"),
    Fault("a base is built before its segment is durable", "src/history/base_build.c",
          "    TJ_TRY(tj__seek_header(place->log_path, &place->journal_id, ordinal + 1, &next, error));",
          "    (void)!tj__seek_header(place->log_path, &place->journal_id, ordinal + 1, &next, error);",
          "test_history_bases"),
    Fault("a damaged block of a base is believed", "src/history/base_reader.c",
          "tj__hash(out->data, b->size) != b->hash", "tj__hash(out->data, b->size) == 1",
          "test_history_bases"),
    Fault("a scan over another base begins anew", "src/history/past.c",
          "        narrow(&s, descending, &first, &end);\n", "",
          "test_history_bases"),
    Fault("a base lacks what its last segment deleted", "src/history/base_build.c",
          "        entry->deleted ? tj__rowmap_put_deleted(b->rows, key, entry->sequence)",
          "        entry->deleted ? entry",
          "test_history_bases"),
    Fault("what a base may have is forgotten without a delete", "src/history/base_filter.c",
          "return filter->bits[bit / 8] >> bit % 8 & 1;", "return filter->bits[bit / 8] > 255;",
          "test_history_bases"),
    Fault("keys lead past the commit that was asked for", "src/history/past_find.c",
          "if (record.sequence <= f->part->sequence) {", "if (record.sequence > 0) {",
          "test_history_keys"),
    Fault("a key with the same hash is taken for the one", "src/history/past_find.c",
          "    while (count-- > 0 && !found) {", "    if (count-- > 0) {",
          "test_history_keys"),
    Fault("keys of another history are believed", "src/history/past_find.c",
          "header.chain_hash == at->hash && header.first_sequence == at->sequence + 1", "true",
          "test_history_keys"),
    Fault("keys that are not those of their segment are sound", "src/maintain/examine_keys.c",
          "    if (status == TJ_OK && deep) {", "    if (status == TJ_OK && deep && !keys) {",
          "test_history_keys"),
    Fault("segments go before it is proven that what stays is enough", "src/journal/retention.c",
          "    TJ_TRY(prove(&p, error));\n", "",
          "test_history_retention"),
    Fault("segments go before their base is durable", "src/history/base_writer.c",
          "    TJ_TRY(tj__file_sync_data(writer->fd, writer->temporary, error));\n", "",
          "crash_images --history --seconds 20"),
    Fault("a damaged base stops a prune", "src/journal/retention.c",
          "return is_whole(p, kind) ?",
          "tj__base_header header;\n    (void)is_whole;\n    return tj__base_look(p->place.directory, &p->place.journal_id, kind,"
          " p->last, &header, NULL) == TJ_OK ?",
          "test_history_retention"),
    Fault("the builder removes what a prune is writing", "src/journal/builder.c",
          "    pthread_mutex_lock(&journal->history_mutex);\n    tj__base_tidy(journal->history_path);\n"
          "    tj__retention_tidy(journal);\n    pthread_mutex_unlock(&journal->history_mutex);\n",
          "    tj__base_tidy(journal->history_path);\n    tj__retention_tidy(journal);\n",
          "test_history_retention"),
    Fault("what nobody asks for must be kept", "src/journal/history.c",
          "uint64_t at_once = tables & TJ__TABLE_BIT(TJ__TABLE_STATE);", "uint64_t at_once = tables;",
          "test_history_retention"),
    Fault("a history_size that was set is not kept to", "src/journal/builder.c",
          "if (journal->config.lmdb.history_size_bytes > 0 || lacking == 0) {", "if (lacking == 0) {",
          "test_strength_low_space"),
    Fault("bases stay while space is low", "src/journal/builder.c",
          "        drop_bases(journal);\n", "        (void)drop_bases;\n",
          "test_strength_low_space"),
    Fault("segments go that LMDB needs", "src/journal/retention.c",
          "ordinal + SEGMENTS_BEFORE_LMDB >= applied", "ordinal > applied",
          "test_history_retention"),
    Fault("segments go before the superblock says so", "src/journal/retention.c",
          "tj__env_move_first_segment(journal->env, &journal->superblock, first, error)",
          "tj__env_same_file(journal->env, error)",
          "test_history_retention"),
    # ---- acknowledging --------------------------------------------------------------------------
    Fault("a batch is not flushed", "src/base/group.c",
          "bool flush = group->sync || batch->flush;", "bool flush = batch->flush;",
          "test_journal_flushes", "crash_images --seconds 10"),
    Fault("acknowledged is stored before the mark", "src/base/group.c",
          """        if (group->ops->acknowledged) {
            TJ_TRY(group->ops->acknowledged(group->context, batch->last_sequence, error));
        }
        atomic_store(&group->acknowledged, batch->last_sequence);
""",
          """        atomic_store(&group->acknowledged, batch->last_sequence);
        if (group->ops->acknowledged) {
            TJ_TRY(group->ops->acknowledged(group->context, batch->last_sequence, error));
        }
""",
          "test_log_writer"),
    Fault("a failed write does not poison", "src/base/group.c",
          """    } else if (status != TJ_OK) {
        poison_locked(group, cause);
    }
""",
          "    }\n",
          "test_fault_io"),
    Fault("a batch in doubt is not written again", "src/base/group.c",
          "        group->unsettled = batch;\n", "",
          "test_base_group"),
    # ---- the log --------------------------------------------------------------------------------
    Fault("the checksum of a record is not compared", "src/log/frame.c",
          """    if (record_hash(record, *size, journal_id, ordinal, offset) !=
        tj__load_u64(record + RECORD_HASH)) {""",
          """    if (record_hash(record, *size, journal_id, ordinal, offset) == 0) {""",
          "test_log_frame", "crash_flips"),
    Fault("a new segment's name is not flushed", "src/log/segment.c",
          "        return tj__directory_sync(directory, error);\n", "        return TJ_OK;\n",
          "crash_images --seconds 20"),
    Fault("what lies behind the log's end is not zeroed", "src/log/settle.c",
          "status = zero(file, end, file->size, error);", "status = TJ_OK;",
          "test_log_settle"),
    # ---- recovery -------------------------------------------------------------------------------
    Fault("an end without anything behind it is not settled", "src/journal/recover.c",
          "    if (clean || r->journal->created) {\n",
          "    if (clean || r->journal->created ||\n        (r->book.tail.nonzero_bytes == 0 && r->book.tail.records_after == 0)) {\n",
          "test_fault_io"),
    Fault("LMDB's tables may be of another history", "src/journal/logbook.c",
          "        at->hash == book->applied.hash && at->sequence == book->applied.sequence) {",
          "        true) {",
          "test_strength_durability"),
    Fault("the mark of another boot is believed", "src/journal/lock.c",
          """    return lock->boot.known &&
           memcmp(lock->page + BOOT_AT, lock->boot.id.bytes, sizeof lock->boot.id.bytes) == 0;
""",
          "    return lock->boot.known;\n",
          "test_strength_durability"),
    Fault("the second lock is not taken", "src/journal/lock.c",
          "if (fcntl(lock->data_fd, F_OFD_SETLK, &range) == 0) {",
          "if (fcntl(lock->data_fd, F_OFD_SETLK, &range) <= 0) {",
          "test_journal_writers"),
    # ---- LMDB -----------------------------------------------------------------------------------
    Fault("an apply passes the mark", "src/journal/apply.c",
          "    *target = atomic_load_explicit(&journal->acknowledged, memory_order_acquire);\n",
          """    *target = journal->log != NULL ? tj__log_writer_appended(journal->log)
                                   : atomic_load(&journal->acknowledged);
""",
          "test_strength_durability"),
    Fault("an apply does not flush the log before", "src/journal/apply.c",
          "    return tj__log_writer_sync(journal->log, NULL, error);\n", "    return TJ_OK;\n",
          "crash_images --os --seconds 10"),
    Fault("the checksum of a row is not compared", "src/table/row.c",
          "if (tj__row_hash(key, row.sequence, value) == tj__load_u64(stored.data)) {",
          "if (value.data) {",
          "test_table_rows", "crash_flips"),
    Fault("the rows of a table are not counted", "src/table/sums.c",
          "    if (counted->rows != stored->rows) {\n",
          """    if (counted) {
        return TJ_OK;
    }
    if (counted->rows != stored->rows) {
""",
          "test_strength_durability"),
    Fault("the renamed data.mdb is not flushed", "src/journal/create.c",
          "    return tj__directory_sync(c->journal->path, error);\n", "    return TJ_OK;\n",
          "crash_images --seconds 20"),
    # ---- views ----------------------------------------------------------------------------------
    Fault("a view reads beyond the mark", "src/journal/view.c",
          "b->mark.newest ? b->mark.acknowledged : UINT64_MAX", "UINT64_MAX",
          "test_fault_calls"),
    # ---- the system -----------------------------------------------------------------------------
    Fault("a look that failed is taken for nothing there", "src/base/file_path.c",
          "return os_errno == ENOENT || os_errno == ENOTDIR;", "return os_errno != 0;",
          "test_fault_calls"),
    Fault("an ordinary commit may use the reserve", "src/journal/append.c",
          """    if (!atomic_load(&journal->reserve_held)) {
        return tj__journal_refuse_full(journal, error);
    }
    return tj__journal_wait_for_apply(journal, bound, error);""",
          """    return tj__journal_wait_for_apply(journal, bound, error);""",
          "test_strength_after_full"),
    # ---- backup and restore ---------------------------------------------------------------------
    Fault("a backup does not compare what it has with the journal", "src/maintain/backup.c",
          "    TJ_TRY(read_to_newest_point(b, error));\n",
          "    if (at->sequence == 0) {\n        TJ_TRY(read_to_newest_point(b, error));\n    }\n",
          "test_maintain_backup"),
    Fault("a point stands for what was not copied", "src/maintain/backup.c",
          "    TJ_TRY(tj__backup_copy(b, error));\n",
          "    TJ_TRY(tj__backup_write_point(b, error));\n    TJ_TRY(tj__backup_copy(b, error));\n",
          "test_maintain_backup"),
    Fault("names of sealed segments come to the disk in any order", "src/maintain/backup_copy.c",
          "    TJ_TRY(tj__directory_sync(b->directory.log_path, error));\n    b->start.sealed",
          "    b->start.sealed", "crash_backup --long"),
    Fault("a backup leaves out the ledger of before its log", "src/maintain/backup_bases.c",
          "(kind == TJ__BASE_REST && file.ordinal < ordinal)", "(kind > TJ__BASE_REST)",
          "test_maintain_backup_pruned"),
    Fault("a restored journal has no bases", "src/maintain/restore_bases.c",
          "    if (status == TJ_OK) {\n        status = tj__base_writer_finish(",
          "    if (status != TJ_OK) {\n        status = tj__base_writer_finish(",
          "test_maintain_backup_pruned"),
    Fault("a compressed segment unpacks without end", "src/maintain/packed.c",
          "    if (size > head->size - s->to_at) {\n", "    if (size > SIZE_MAX - 1) {\n",
          "test_maintain_packed"),
    Fault("a proof that failed is noted", "src/maintain/backup_verify.c",
          "    TJ_TRY(prove(run, trial ? trial : \"/var/tmp\", error));\n",
          "    (void)prove(run, trial ? trial : \"/var/tmp\", error);\n",
          "test_maintain_backup_verify"),
    Fault("a restored journal keeps the id", "src/maintain/restore_target.c",
          "target->journal_id = tj_uuid_generate();", "target->journal_id = (tj_uuid){{1}};",
          "test_maintain_restore"),
    Fault("counters are not lifted", "src/maintain/restore_run.c",
          "    TJ_TRY(tj__lift_take(&run->lift, record, restored, error));\n",
          "    TJ_TRY(restored ? tj__lift_take(&run->lift, record, restored, error) : TJ_OK);\n",
          "test_maintain_restore"),
    Fault("a restored state is not compared", "src/maintain/restore_run.c",
          "    run->proven = table == 0;\n", "    run->proven = true;\n",
          "test_maintain_restore"),
    Fault("the counters of a copied journal do not skip", "src/journal/recover.c",
          "    if (!r->book.mark.elsewhere) {\n", "    if (r->book.mark.elsewhere) {\n",
          "test_journal_copied"),
    # ---- history --------------------------------------------------------------------------------
    Fault("a rollback gives new ranks", "src/commit/resolve_rows.c",
          "        return resolve_row_as_it_was(r->tip, row->book, row->key, row->value, error);\n",
          "        return put(r, row, error);\n",
          "test_contract_history"),
    Fault("a moment by time is before its commit", "src/history/seek.c",
          "if (record.time > time) {", "if (record.time >= time) {",
          "test_contract_history"),
    Fault("an old value is that of before all commits", "src/store/history.c",
          "    return history->old_values ? note_change(history, change, error) : TJ_OK;\n",
          "    (void)note_change;\n    return TJ_OK;\n",
          "test_contract_history"),
    # ---- verify and repair ----------------------------------------------------------------------
    Fault("a segment that only history needs is demanded at opening", "src/journal/logbook.c",
          "tj__segment_list_whole(&segments, journal->log_path, applied->ordinal + 1, error);",
          "tj__segment_list_whole(&segments, journal->log_path, 1, error);",
          "test_journal_holes"),
    Fault("a repair does not tell of the commits that it loses", "src/maintain/repair_plan.c",
          "x->may_lose_more ? UINT64_MAX : larger(larger(x->durable, x->end), plan->end);",
          "plan->end;",
          "test_maintain_mutations"),
    Fault("a repair out of the log stops short of its end", "src/maintain/repair_plan.c",
          "        plan->end = of_log;\n", "        plan->end = of_log - 1;\n",
          "test_maintain_mutations"),
    Fault("a repair leaves out the commits behind data.mdb", "src/maintain/repair_build.c",
          "return record->sequence <= plan->applied ? 0 : TJ__TABLES_ALL;",
          "return record->sequence <= plan->end ? 0 : TJ__TABLES_ALL;",
          "test_maintain_mutations"),
    Fault("a repaired journal lacks the bases that its log begins with", "src/maintain/repair.c",
          "    return tj__repair_bases_write(build, error);\n",
          "    return plan->start_known ? TJ_OK : tj__repair_bases_write(build, error);\n",
          "test_maintain_repair_bases"),
    Fault("a repair by bases leaves out the ledger of before the hole", "src/maintain/repair_build.c",
          "    return kept ? keep(build, seen, error) : keep_added(build, record, error);\n",
          "    (void)keep_added;\n    return kept ? keep(build, seen, error) : TJ_OK;\n",
          "test_maintain_repair_bases"),
    Fault("a repair does not tell which entries of the ledger it loses", "src/maintain/repair.c",
          "        *lost = tell_untold(r) || tj__repair_plan_loses(&r->plan);\n",
          "        (void)tell_untold;\n        *lost = tj__repair_plan_loses(&r->plan);\n",
          "test_maintain_repair_bases"),
    Fault("exchanged names are not flushed", "src/maintain/repair.c",
          """    TJ_TRY(tj__directory_sync_parent(r->x.path, error));
    return tj__directory_sync_parent(r->target.path, error);
""",
          "    return TJ_OK;\n",
          "crash_repair repair"),
    Fault("the names of a new log's segments are not flushed", "src/maintain/restore_target.c",
          "    TJ_TRY(tj__directory_sync(target->log_path, error));\n", "",
          "crash_repair repair"),
    Fault("LMDB is not flushed", "src/table/lmdb.c",
          "unsigned flags = MDB_NOTLS | (", "unsigned flags = MDB_NOTLS | MDB_NOSYNC | (",
          "crash_repair upgrade"),
    Fault("a repaired journal shares a damaged segment", "src/maintain/repair_build.c",
          "        if (faults[i].ordinal == seen->end.ordinal) {", "        if (faults[i].ordinal == UINT64_MAX) {",
          "test_maintain_verify_bytes"),
    Fault("a base that is not what the log comes to is believed", "src/maintain/examine_history.c",
          "    uint8_t table = tj__digest_differs(&digest, &seen->digest);\n    if (table == 0) {",
          "    uint8_t table = tj__digest_differs(&digest, &seen->digest);\n    if (table <= TJ__TABLE_LAST) {",
          "test_maintain_verify_bases"),
    Fault("a .rest that is missing before another is not told", "src/maintain/examine_rests.c",
          "        if (held < span->entries) {", "        if (held < span->entries && !base) {",
          "test_maintain_verify_bases"),
    Fault("a meta page that was not read has changed meanwhile", "src/table/pages.c",
          "number < pages->metas_read; number++", "number < 2; number++",
          "test_maintain_verify_bytes"),
]
