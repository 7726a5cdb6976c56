/* From format version 1 to 2: retention, and the rows of before beside the log. */
alter table @schema@.journal add column pruned bigint not null default 0

create table @schema@.base(
    journal int not null, seq bigint not null, row_count bigint not null, bytes bigint not null,
    primary key (journal, seq))

create table @schema@.base_rows(
    journal int not null, base bigint not null, place smallint not null,
    key bytea not null, value bytea not null, seq bigint not null, sum bigint not null,
    primary key (journal, base, place, key))

/* What the newest writer has counted, as the library has it. */
create table @schema@.metrics(
    journal int primary key, epoch bigint not null, numbers bytea not null)

/* Who may read and write the log may read and write these. */
do $$ declare g record;
begin
    for g in select distinct pg_get_userbyid(a.grantee) as grantee, a.privilege_type
        from pg_catalog.pg_class c, aclexplode(c.relacl) a
        where c.oid = $q$@schema@.log$q$::regclass and a.grantee not in (0, c.relowner)
        and a.privilege_type in ('SELECT', 'INSERT')
    loop
        execute format('grant %s on @schema@.base, @schema@.base_rows, @schema@.metrics to %I',
            g.privilege_type, g.grantee);
        if g.privilege_type = 'INSERT' then
            execute format('grant update on @schema@.metrics to %I', g.grantee);
        end if;
    end loop;
end $$
