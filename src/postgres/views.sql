-- Views for people: the rows decoded, read-only, exact. Little-endian numbers at an offset, and
-- big-endian ones (be) of a key.
create function @schema@.u16(b bytea, o int) returns int language sql immutable parallel safe strict
    return get_byte(b, o) | (get_byte(b, o + 1) << 8)

create function @schema@.u32(b bytea, o int) returns int8 language sql immutable parallel safe strict
    return get_byte(b, o)::int8 | (get_byte(b, o + 1)::int8 << 8) | (get_byte(b, o + 2)::int8 << 16)
        | (get_byte(b, o + 3)::int8 << 24)

create function @schema@.i64(b bytea, o int) returns int8 language sql immutable parallel safe strict
    return get_byte(b, o)::int8 | (get_byte(b, o + 1)::int8 << 8) | (get_byte(b, o + 2)::int8 << 16)
        | (get_byte(b, o + 3)::int8 << 24) | (get_byte(b, o + 4)::int8 << 32) | (get_byte(b, o + 5)::int8 << 40)
        | (get_byte(b, o + 6)::int8 << 48) | (get_byte(b, o + 7)::int8 << 56)

create function @schema@.be32(b bytea, o int) returns int8 language sql immutable parallel safe strict
    return (get_byte(b, o)::int8 << 24) | (get_byte(b, o + 1)::int8 << 16) | (get_byte(b, o + 2)::int8 << 8)
        | get_byte(b, o + 3)::int8

create function @schema@.be64(b bytea, o int) returns int8 language sql immutable parallel safe strict
    return (@schema@.be32(b, o) << 32) | @schema@.be32(b, o + 4)

-- A decimal128 in binary integer encoding, scale 0 to 56. The product of two numerics has the sum of
-- their scales, so this is exact, and zeros at the end stay. A numeric has no negative zero.
create function @schema@.number(b bytea, o int) returns numeric language plpgsql immutable parallel safe strict as $$
declare
    high int8 := @schema@.i64(b, o + 8);
    low int8 := @schema@.i64(b, o);
    scale int := 6176 - ((high >> 49) & 16383)::int;
    digits numeric := low;
begin
    if low < 0 then digits := digits + 18446744073709551616; end if;
    digits := digits + (high & 562949953421311)::numeric * 18446744073709551616;
    if scale > 0 then digits := digits * ('0.' || repeat('0', scale - 1) || '1')::numeric; end if;
    return case when high < 0 then -digits else digits end;
end $$

create function @schema@.short(b bytea, o int) returns text language sql immutable parallel safe strict
    return convert_from(substring(b from o + 3 for @schema@.u16(b, o)), 'UTF8')

-- ns since 1970; a timestamptz has microseconds, so the ns stand beside it.
create function @schema@.moment(ns int8) returns timestamptz language sql immutable parallel safe strict
    return timestamptz '1970-01-01 00:00:00+00' + (ns / 1000) * interval '1 microsecond'

create view @schema@.books as
select j.name as journal, j.journal as journal_no, @schema@.u32(b.value, 1) as book_no,
    convert_from(substring(b.key from 5), 'UTF8') as book, b.seq as sequence
from @schema@.raw_books b join @schema@.journal j using (journal)

create view @schema@.orders as
select n.journal, n.book, convert_from(substring(s.key from 6), 'UTF8') as id, @schema@.i64(v, 1) as rank,
    (array['PendingNew', 'Accepted', 'PartiallyFilled', 'Filled', 'Canceled', 'Rejected'])[get_byte(v, 11)] as status,
    (array['Buy', 'Sell'])[get_byte(v, 12)] as side,
    (array['Market', 'Limit', 'StopMarket'])[get_byte(v, 13)] as order_type,
    (array['GoodTilCanceled', 'ImmediateOrCancel', 'FillOrKill'])[nullif(get_byte(v, 14), 0)] as time_in_force,
    @schema@.short(v, t) as symbol,
    @schema@.number(v, 31) as quantity, @schema@.number(v, 47) as filled_quantity,
    case when (f & 1) <> 0 then @schema@.number(v, 63) end as price,
    case when (f & 2) <> 0 then @schema@.number(v, 63 + 16 * bit_count((f & 1)::bit(16))::int) end as trigger_price,
    case when (f & 4) <> 0 then @schema@.number(v, 63 + 16 * bit_count((f & 3)::bit(16))::int) end as take_profit,
    case when (f & 8) <> 0 then @schema@.number(v, 63 + 16 * bit_count((f & 7)::bit(16))::int) end as stop_loss,
    case when (f & 16) <> 0 then @schema@.number(v, 63 + 16 * bit_count((f & 15)::bit(16))::int) end as display_quantity,
    case when (f & 32) <> 0 then @schema@.number(v, 63 + 16 * bit_count((f & 31)::bit(16))::int) end as avg_fill_price,
    case when (f & 64) <> 0 then @schema@.short(v, t + 2 + @schema@.u16(v, t)) end as client_order_id,
    @schema@.moment(@schema@.i64(v, 15)) as created, @schema@.i64(v, 15) as created_ns,
    @schema@.moment(@schema@.i64(v, 23)) as updated, @schema@.i64(v, 23) as updated_ns, s.seq as sequence
from @schema@.raw_state s
    join @schema@.books n on n.journal_no = s.journal and n.book_no = @schema@.be32(s.key, 0),
    lateral (select s.value as v, @schema@.u16(s.value, 9) as f offset 0) x,
    lateral (select 63 + 16 * bit_count((f & 63)::bit(16))::int as t offset 0) y
where get_byte(s.key, 4) = 11

create view @schema@.positions as
select n.journal, n.book, nullif(convert_from(substring(i for z - 1), 'UTF8'), '') as sub_account,
    convert_from(substring(i from z + 1), 'UTF8') as symbol,
    (array['Buy', 'Sell'])[nullif(get_byte(s.value, 3), 0)] as side,
    @schema@.number(s.value, 4) as quantity,
    case when (@schema@.u16(s.value, 1) & 1) <> 0 then @schema@.number(s.value, 44) end as entry_price,
    @schema@.number(s.value, 20) as unrealized_pnl,
    @schema@.moment(@schema@.i64(s.value, 36)) as updated, @schema@.i64(s.value, 36) as updated_ns, s.seq as sequence
from @schema@.raw_state s
    join @schema@.books n on n.journal_no = s.journal and n.book_no = @schema@.be32(s.key, 0),
    lateral (select substring(s.key from 6) as i, position('\x00'::bytea in substring(s.key from 6)) as z offset 0) x
where get_byte(s.key, 4) = 8

create view @schema@.balances as
select n.journal, n.book, nullif(convert_from(substring(i for z - 1), 'UTF8'), '') as sub_account,
    convert_from(substring(i from z + 1), 'UTF8') as currency,
    @schema@.number(s.value, 1) as quantity, @schema@.number(s.value, 17) as conversion_rate, s.seq as sequence
from @schema@.raw_state s
    join @schema@.books n on n.journal_no = s.journal and n.book_no = @schema@.be32(s.key, 0),
    lateral (select substring(s.key from 6) as i, position('\x00'::bytea in substring(s.key from 6)) as z offset 0) x
where get_byte(s.key, 4) = 7

create view @schema@.prices as
select n.journal, n.book, convert_from(substring(s.key from 6), 'UTF8') as symbol,
    @schema@.number(s.value, 1) as price, s.seq as sequence
from @schema@.raw_state s
    join @schema@.books n on n.journal_no = s.journal and n.book_no = @schema@.be32(s.key, 0)
where get_byte(s.key, 4) = 10

create view @schema@.algos as
select n.journal, n.book, encode(substring(a.key from 5), 'hex')::uuid as id, @schema@.short(a.value, 1) as plugin,
    convert_from(substring(a.value from 4 + @schema@.u16(a.value, 1)), 'UTF8') as payload, a.seq as sequence
from @schema@.raw_algos a
    join @schema@.books n on n.journal_no = a.journal and n.book_no = @schema@.be32(a.key, 0)

create view @schema@.ledger_entries as
select n.journal, n.book, @schema@.be64(l.key, 4) as ledger_sequence,
    (array['trade_realized_pnl', 'fee', 'funding', 'transfer_in', 'transfer_out', 'adjustment'])[get_byte(v, 1)] as type,
    encode(substring(v from 3 for 16), 'hex')::uuid as id,
    @schema@.moment(@schema@.i64(v, 18)) as time, @schema@.i64(v, 18) as time_ns,
    @schema@.number(v, 26) as amount, @schema@.short(v, 42) as exchange, @schema@.short(v, a) as asset,
    @schema@.short(v, r) as reference,
    nullif(convert_from(substring(v from r + 3 + @schema@.u16(v, r)), 'UTF8'), '') as meta, l.seq as sequence
from @schema@.raw_ledger l
    join @schema@.books n on n.journal_no = l.journal and n.book_no = @schema@.be32(l.key, 0),
    lateral (select l.value as v, 44 + @schema@.u16(l.value, 42) as a offset 0) x,
    lateral (select a + 2 + @schema@.u16(v, a) as r offset 0) y

create view @schema@.commits as
select j.name as journal, c.seq as sequence, @schema@.moment(c.at) as time, c.at as time_ns, c.epoch, c.id, c.changes,
    nullif(convert_from(c.note, 'UTF8'), '') as note, length(c.body) as bytes, c.seq <= j.applied as in_views
from @schema@.log c join @schema@.journal j using (journal)
where c.seq > 0
