-- One that writes: it can neither delete nor change what was committed.
create role tj_writer login

grant usage on schema @schema@ to tj_writer

grant select on all tables in schema @schema@ to tj_writer

grant insert, update (fence) on @schema@.log to tj_writer

grant insert (name, id), update (epoch, holder, hinted, renewed, ttl, applied, unreplicated)
    on @schema@.journal to tj_writer

grant insert, update, delete on @schema@.raw_books, @schema@.raw_state, @schema@.raw_algos, @schema@.raw_ledger,
    @schema@.raw_ledger_time, @schema@.raw_ledger_ids, @schema@.raw_counters, @schema@.raw_commits,
    @schema@.raw_quarantine to tj_writer

grant insert on @schema@.base, @schema@.base_rows to tj_writer

grant insert, update on @schema@.metrics to tj_writer

-- One that looks on, by the library or by SQL.
create role tj_reader login

grant usage on schema @schema@ to tj_reader

grant select on all tables in schema @schema@ to tj_reader

alter role tj_reader set statement_timeout = '30s'

alter role tj_reader set idle_in_transaction_session_timeout = '60s'
