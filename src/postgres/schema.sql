-- Journals on PostgreSQL, format version 2.
create schema if not exists @schema@

create table @schema@.format(
    one boolean primary key default true check (one),
    version int not null,
    created timestamptz not null default now())

-- One row for each journal. `renewed` is by the server's clock; `unreplicated`: commits acknowledged without a standby;
-- `pruned`: the log begins behind this commit, which is its first row.
create table @schema@.journal(
    journal int generated always as identity primary key,
    name text not null unique,
    id uuid not null unique,
    epoch bigint not null default 0,
    holder text not null default '',
    hinted boolean not null default false,
    renewed timestamptz not null default 'epoch',
    ttl interval not null default '10 s',
    applied bigint not null default 0,
    unreplicated bigint not null default 0,
    pruned bigint not null default 0,
    created timestamptz not null default now()) with (fillfactor = 20)

-- The commits. `fence`: the epoch of the writer that may write the next one.
create table @schema@.log(
    journal int not null,
    seq bigint not null,
    fence bigint not null,
    epoch bigint not null,
    at bigint not null,
    id uuid,
    changes int not null,
    hash bigint not null,
    note bytea not null,
    body bytea not null,
    primary key (journal, seq)) with (autovacuum_vacuum_insert_scale_factor = 0.05)

alter table @schema@.log alter body set storage external

-- The rows, as they are after the commit `applied`. Key without the table's byte; sum: see FORMAT.md.
create table @schema@.raw_books(
    journal int not null, key bytea not null, value bytea not null, seq bigint not null, sum bigint not null,
    primary key (journal, key))

create table @schema@.raw_state(like @schema@.raw_books including all) with (fillfactor = 70)

create table @schema@.raw_algos(like @schema@.raw_books including all) with (fillfactor = 70)

create table @schema@.raw_ledger(like @schema@.raw_books including all)

create table @schema@.raw_ledger_time(like @schema@.raw_books including all)

create table @schema@.raw_ledger_ids(like @schema@.raw_books including all)

create table @schema@.raw_counters(like @schema@.raw_books including all) with (fillfactor = 50)

create table @schema@.raw_commits(like @schema@.raw_books including all)

create table @schema@.raw_quarantine(like @schema@.raw_books including all)

-- The rows as they were after earlier commits: copies of some of the tables above, which is their number `place`.
create table @schema@.base(
    journal int not null, seq bigint not null, row_count bigint not null, bytes bigint not null,
    primary key (journal, seq))

create table @schema@.base_rows(
    journal int not null, base bigint not null, place smallint not null,
    key bytea not null, value bytea not null, seq bigint not null, sum bigint not null,
    primary key (journal, base, place, key))

-- What the newest writer has counted, as the library has it.
create table @schema@.metrics(
    journal int primary key, epoch bigint not null, numbers bytea not null)
