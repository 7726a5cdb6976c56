// SPDX-License-Identifier: MIT OR Apache-2.0
// The page: asks /api/ for what it shows, and again when /api/events tells of something new.
// Whatever the journal holds is put into the page as text, never as markup.
'use strict';

// ---- text ----------------------------------------------------------------------------------

// What a reader would not see as something of its own, as src/base/text.c has it.
const HIDDEN = [
  [0x0, 0x1f], [0x7f, 0xa0], [0xad, 0xad], [0x34f, 0x34f], [0x600, 0x605], [0x61c, 0x61c],
  [0x6dd, 0x6dd], [0x70f, 0x70f], [0x890, 0x891], [0x8e2, 0x8e2], [0x115f, 0x1160],
  [0x1680, 0x1680], [0x17b4, 0x17b5], [0x180b, 0x180f], [0x2000, 0x200f], [0x2028, 0x202f],
  [0x205f, 0x206f], [0x2800, 0x2800], [0x3000, 0x3000], [0x3164, 0x3164], [0xd800, 0xf8ff],
  [0xfdd0, 0xfdef], [0xfe00, 0xfe0f], [0xfeff, 0xfeff], [0xffa0, 0xffa0], [0xfff0, 0xfffb],
  [0xfffe, 0xffff], [0x110bd, 0x110bd], [0x110cd, 0x110cd], [0x13430, 0x1343f],
  [0x1bca0, 0x1bca3], [0x1d173, 0x1d17a], [0x1fffe, 0x1ffff], [0x2fffe, 0x2ffff],
  [0x3fffe, 0x10ffff],
];

function isHidden(code) {
  return HIDDEN.some(([first, last]) => first <= code && code <= last);
}

function escaped(character) {
  const code = character.codePointAt(0);
  if (!isHidden(code)) {
    return character;
  }
  return code < 0xa0 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

// keep: characters that lay a text out.
function visible(text, keep = '') {
  const value = String(text);
  if (/^[\x20-\x7e]*$/.test(value)) {
    return value;
  }
  return Array.from(value, (c) => (keep.includes(c) ? c : escaped(c))).join('');
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'class') {
      made.className = value;
    } else {
      made.setAttribute(key, value);
    }
  }
  made.append(...children);
  return made;
}

const byId = (id) => document.getElementById(id);
const count = (n) => Number(n).toLocaleString('en-US');
const several = (n, word) => `${count(n)} ${word}${Number(n) === 1 ? '' : 's'}`;

function sizeText(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  for (; bytes >= 1024 && unit < units.length - 1; unit++) {
    bytes /= 1024;
  }
  return `${unit ? bytes.toFixed(1) : bytes} ${units[unit]}`;
}

function timeText(time) {
  return time ? time.replace('T', ' ').replace(/(\.\d{3})\d*Z$/, '$1Z') : '-';
}

// Seconds since 1970, and back, as exactly as a number can: about a millionth.
function secondsOf(time) {
  const [, whole, fraction] = time.match(/^(.*?)(\.\d+)?Z$/);
  return Date.parse(`${whole}Z`) / 1000 + Number(fraction ?? 0);
}

function timeOf(seconds) {
  const whole = Math.floor(seconds);
  const fraction = Math.floor((seconds - whole) * 1e6).toString().padStart(6, '0');
  return new Date(whole * 1000).toISOString().replace(/\.000Z$/, `.${fraction}Z`);
}

function ageText(seconds) {
  const hours = Math.floor(seconds / 3600);
  const minutes = `${Math.floor(seconds / 60) % 60} min ago`;
  return hours >= 48 ? `${Math.floor(hours / 24)} days ago` : hours > 0 ? `${hours} h ${minutes}` : minutes;
}

// ---- JSON that keeps every digit -----------------------------------------------------------

// Numbers stay their text, objects become Maps: their members keep their order.
class Literal {
  constructor(text) { this.text = text; }
}

const TOKEN = /\s*(?:([[\]{}:,])|("(?:[^"\\]|\\.)*")|([^\s[\]{}:,"]+))\s*/y;

function* tokens(text) {
  TOKEN.lastIndex = 0;
  for (let at = 0, found; at < text.length && (found = TOKEN.exec(text)); at = TOKEN.lastIndex) {
    yield found;
  }
}

function parseExact(text) {
  const stack = [];
  let result, key;
  const put = (value) => {
    const top = stack[stack.length - 1];
    if (!top) {
      result = value;
    } else if (top instanceof Map) {
      if (key === undefined) { key = value; return; }
      top.set(key, value);
      key = undefined;
    } else {
      top.push(value);
    }
  };
  for (const [, mark, string, literal] of tokens(text)) {
    if (mark === '{' || mark === '[') {
      const value = mark === '{' ? new Map() : [];
      put(value);
      stack.push(value);
    } else if (mark === '}' || mark === ']') {
      stack.pop();
    } else if (string !== undefined) {
      put(JSON.parse(string));
    } else if (literal !== undefined) {
      put(new Literal(literal));
    }
  }
  return result;
}

function jsonText(value, indent = '') {
  if (value === undefined) { return ''; }
  if (value instanceof Literal) { return value.text; }
  if (typeof value === 'string') { return JSON.stringify(value); }
  const isMap = value instanceof Map;
  const inner = indent === null ? null : `${indent}  `;
  const parts = isMap
    ? Array.from(value, ([k, v]) => `${JSON.stringify(k)}:${indent === null ? '' : ' '}${jsonText(v, inner)}`)
    : value.map((v) => jsonText(v, inner));
  const [open, close] = isMap ? '{}' : '[]';
  return indent === null || parts.length === 0 ? open + parts.join(',') + close
    : `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${indent}${close}`;
}

const isNull = (value) => value === undefined || (value instanceof Literal && value.text === 'null');
const oneLine = (value) => (isNull(value) ? null : jsonText(value, null));

// ---- asking --------------------------------------------------------------------------------

class Problem extends Error {
  constructor(failure, status) {
    super(failure.error || `the server answered ${status}`);
    this.advice = failure.advice || '';
    this.passes = status >= 500; // the server is busy, or the journal is being mended
  }
}

async function ask(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...parameters })) {
    if (value !== undefined && value !== '' && value !== null) {
      query.append(name, value);
    }
  }
  const text = query.toString();
  const answer = await fetch(text ? `${path}?${text}` : path);
  const body = await answer.text();
  if (!answer.ok) {
    let failure = {};
    try { failure = JSON.parse(body); } catch { /* what it is stands in the status */ }
    throw new Problem(failure, answer.status);
  }
  return body;
}

const askJson = async (path, parameters) => JSON.parse(await ask(path, parameters));
const askExact = async (path, parameters) => parseExact(await ask(path, parameters));

// ---- tables of any length ------------------------------------------------------------------

const ROW = 28;
const MARGIN = 8;
const NUMBERS = new Set(['quantity', 'filled', 'price', 'trigger', 'avg fill', 'entry price',
  'unrealized', 'conversion rate', 'sequence', 'amount', 'positions', 'open orders', 'algos',
  'ledger', 'rows']);
const MINOR = new Set(['type', 'filled', 'trigger', 'avg fill', 'created', 'updated', 'reference',
  'account', 'entry price', 'conversion rate', 'rows']);
const LONG = new Set(['before', 'after']);
const TONES = { Buy: 'good', Sell: 'bad', Rejected: 'bad' };

function compareCells(a, b) {
  if (a === null || b === null) {
    return (a === null) - (b === null);
  }
  const difference = Number(a) - Number(b);
  return Number.isNaN(difference) ? (a < b ? -1 : a > b ? 1 : 0) : difference;
}

// Only the rows that are to be seen are in the document.
class Grid {
  constructor(id, label, { short = false, filter = true } = {}) {
    this.columns = [];
    this.rows = [];
    this.shown = [];
    this.sort = null;
    this.input = element('input', { type: 'search', autocomplete: 'off' });
    this.count = element('output', { role: 'status' });
    this.table = element('table', { 'aria-label': label });
    this.head = element('thead');
    this.body = element('tbody');
    this.table.append(this.head, this.body);
    this.scroll = element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `${label}, rows` },
      this.table);
    const tools = element('div', { class: 'tools' });
    if (filter) {
      tools.append(element('label', {}, `Filter `, this.input));
    }
    tools.append(this.count);
    byId(id).classList.add('grid');
    byId(id).classList.toggle('short', short);
    byId(id).append(tools, this.scroll);
    this.input.addEventListener('input', () => this.choose());
    this.scroll.addEventListener('scroll', () => requestAnimationFrame(() => this.draw()));
    new ResizeObserver(() => this.draw()).observe(this.scroll);
  }

  // answer: { columns, rows, total } of /api/, or the same made here.
  show(answer) {
    if (answer.columns.join() !== this.columns.join()) {
      this.columns = answer.columns;
      this.sort = null;
      this.drawHead();
    }
    this.rows = answer.rows;
    this.choose();
  }

  classOf(column) {
    const title = this.columns[column];
    return [NUMBERS.has(title) && 'number', MINOR.has(title) && 'minor', LONG.has(title) && 'long']
      .filter(Boolean).join(' ');
  }

  drawHead() {
    const cells = this.columns.map((title, column) => {
      const button = element('button', { type: 'button' }, title);
      const cell = element('th', { scope: 'col', class: this.classOf(column) }, button);
      button.addEventListener('click', () => this.sortBy(column));
      return cell;
    });
    this.head.replaceChildren(element('tr', { 'aria-rowindex': '1' }, ...cells));
  }

  sortBy(column) {
    const down = this.sort?.column === column && !this.sort.down;
    this.sort = { column, down };
    Array.from(this.head.rows[0].cells).forEach((cell, i) => {
      if (i === column) {
        cell.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      } else {
        cell.removeAttribute('aria-sort');
      }
      cell.firstChild.textContent = this.columns[i] + (i === column ? (down ? ' ▾' : ' ▴') : '');
    });
    this.choose();
  }

  choose() {
    const words = this.input.value.toLowerCase().split(/\s+/).filter(Boolean);
    this.shown = words.length === 0 ? this.rows.slice() : this.rows.filter((row) => {
      const text = row.join('\n').toLowerCase();
      return words.every((word) => text.includes(word));
    });
    if (this.sort) {
      const { column, down } = this.sort;
      this.shown.sort((a, b) => {
        const missing = a[column] === null || b[column] === null;
        return compareCells(a[column], b[column]) * (down && !missing ? -1 : 1);
      });
    }
    const all = several(this.rows.length, 'row');
    this.count.textContent = this.shown.length === this.rows.length ? all : `${count(this.shown.length)} of ${all}`;
    this.table.setAttribute('aria-rowcount', this.shown.length + 1);
    this.draw();
  }

  draw() {
    const seen = Math.ceil((this.scroll.clientHeight || 600) / ROW) + 2 * MARGIN;
    const wanted = Math.floor(this.scroll.scrollTop / ROW) - MARGIN;
    const first = Math.max(0, Math.min(wanted, this.shown.length - seen));
    const last = Math.min(this.shown.length, first + seen);
    const space = (rows) => {
      const cell = element('td', { colspan: Math.max(1, this.columns.length) });
      cell.style.height = `${rows * ROW}px`;
      return element('tr', { class: 'space', 'aria-hidden': 'true' }, cell);
    };
    const rows = [];
    if (first > 0) { rows.push(space(first)); }
    for (let i = first; i < last; i++) { rows.push(this.drawRow(i)); }
    if (last < this.shown.length) { rows.push(space(this.shown.length - last)); }
    this.body.replaceChildren(...rows);
  }

  drawRow(at) {
    const cells = this.shown[at].map((value, column) => {
      const cell = element('td', { class: this.classOf(column) });
      const text = value === null ? '-' : visible(value);
      cell.textContent = this.columns[column] === 'created' || this.columns[column] === 'updated' ? timeText(text) : text;
      if (text.length > 30) { cell.title = text; }
      const tone = TONES[value] || (NUMBERS.has(this.columns[column]) && text.startsWith('-') && text !== '-' && 'bad');
      if (tone) { cell.classList.add(tone); }
      return cell;
    });
    return element('tr', { 'aria-rowindex': at + 2, class: at % 2 ? 'odd' : '' }, ...cells);
  }
}

function facts(list, pairs) {
  list.replaceChildren(...pairs.filter(Boolean).map(([name, value, tone]) => {
    const data = element('dd', tone ? { class: tone } : {});
    data.textContent = visible(value);
    return element('div', {}, element('dt', {}, name), data);
  }));
}

function portfolioFacts(list, head) {
  const held = head.portfolio;
  facts(list, [
    ['Equity', head.portfolio_equity ?? 'none'],
    held && ['Peak equity', held.peak_equity],
    held && ['Initial equity', held.initial_equity],
    held && ['Reporting currency', held.reporting_currency],
    held && ['Drawdown limit', held.drawdown_limit ?? 'none'],
    held && ['Liquidate only', held.liquidate_only ? 'yes' : 'no', held.liquidate_only ? 'bad' : ''],
    ['Open orders', count(head.open_orders)],
    ['Last candle', timeText(head.last_candle_ts)],
    ['Commit', head.sequence],
  ]);
}

// ---- the chart -----------------------------------------------------------------------------

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

class Chart {
  constructor() {
    this.root = byId('chart');
    this.range = null; // of seconds, as zoomed; null: all
    this.data = null;
    this.plots = [];
    this.at = null;
    new ResizeObserver(() => this.resize()).observe(this.root);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
    this.root.addEventListener('keydown', (event) => this.onKey(event));
    document.querySelectorAll('[data-chart]').forEach((button) => {
      button.addEventListener('click', () => this.move(button.dataset.chart));
    });
  }

  // What to ask for; an end that is that of the journal stays open.
  asked() {
    if (!this.range) { return {}; }
    const [from, to] = this.range;
    return { from: from > this.whole[0] ? timeOf(from) : '', to: to < this.whole[1] ? timeOf(to) : '' };
  }

  show(curve) {
    const points = curve.points;
    if (this.root.matches(':active')) { return; } // somebody drags
    this.curve = curve;
    this.data = [points.map((p) => secondsOf(p.time)), points.map((p) => Number(p.equity)),
      points.map((p) => Number(p.peak)), points.map((p) => -100 * Number(p.drawdown))];
    if (!this.range) { this.whole = [this.data[0][0], this.data[0][points.length - 1]]; }
    if (this.plots.length > 0 && points.length > 0) {
      this.series().forEach((series, i) => this.plots[i].setData(series));
    } else {
      this.draw();
    }
    const last = points[points.length - 1];
    byId('equity-text').textContent = !last ? 'No commit has an equity yet.'
      : `${several(curve.total ?? points.length, 'point')}. Equity ${last.equity}, peak ${last.peak}, ` +
        `deepest drawdown ${(100 * Number(curve.drawdown_max)).toFixed(2)} %` +
        `${curve.thinned ? '; what was between two points is not seen' : ''}.`;
    this.root.setAttribute('aria-label', byId('equity-text').textContent);
  }

  options(height, label, series, format) {
    const axis = { stroke: style('--quiet'), grid: { stroke: style('--line'), width: 1 }, ticks: { stroke: style('--line') } };
    return {
      width: this.root.clientWidth, height,
      cursor: { sync: { key: 'equity' }, drag: { x: true, y: false } },
      scales: { x: { time: true } },
      axes: [axis, { ...axis, size: 90, label: '', values: (_, ticks) => ticks.map(format) }],
      series: [{}, ...series],
      hooks: {
        setSelect: [(plot) => this.onSelect(plot)],
        setCursor: [(plot) => this.tell(plot.cursor.idx)],
      },
    };
  }

  // What each of the two plots draws.
  series() {
    const [time, equity, peak, drawdown] = this.data;
    return [[time, peak, equity], [time, drawdown]];
  }

  draw() {
    this.plots.forEach((plot) => plot.destroy());
    this.plots = [];
    if (!this.data || this.data[0].length === 0 || this.root.clientWidth === 0) { return; }
    const [equity, drawdown] = this.series();
    const total = innerWidth < 640 ? 300 : 400;
    const line = (name, colour, more = {}) => ({ label: name, stroke: style(colour), width: 1.5, ...more });
    this.plots.push(
      new uPlot(this.options(total * 0.68, 'equity', [line('peak', '--quiet', { dash: [5, 4] }), line('equity', '--accent')],
        (v) => v.toLocaleString('en-US')), equity, this.root),
      new uPlot(this.options(total * 0.32, 'drawdown',
        [line('drawdown', '--bad', { fill: style('--bad-ground') })], (v) => `${v} %`), drawdown, this.root));
  }

  resize() {
    if (this.plots.length === 0) { this.draw(); return; }
    this.plots.forEach((plot) => {
      if (plot.width !== this.root.clientWidth) {
        plot.setSize({ width: this.root.clientWidth, height: plot.height });
      }
    });
  }

  onSelect(plot) {
    if (plot.select.width > 3) {
      this.zoom([plot.posToVal(plot.select.left, 'x'), plot.posToVal(plot.select.left + plot.select.width, 'x')]);
    }
  }

  zoom(range) {
    this.range = range;
    refresh();
  }

  move(how) {
    if (!this.data?.[0].length || how === 'all') { this.zoom(null); return; }
    const [from, to] = this.range || this.whole;
    const span = Math.max(to - from, 1e-5);
    const shift = { in: [span / 4, -span / 4], out: [-span / 2, span / 2], back: [-span / 2, -span / 2],
      on: [span / 2, span / 2] }[how];
    const [first, last] = this.whole;
    const wanted = [Math.max(first, from + shift[0]), Math.min(last, to + shift[1])];
    this.zoom(wanted[0] === first && wanted[1] === last ? null : wanted);
  }

  onKey(event) {
    const zooms = { '+': 'in', '=': 'in', '-': 'out', 0: 'all' };
    if (event.ctrlKey || event.metaKey || event.altKey || !this.data?.[0].length) { return; }
    if (zooms[event.key]) {
      event.preventDefault();
      this.move(zooms[event.key]);
    } else if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
      event.preventDefault();
      const last = this.data[0].length - 1;
      const next = this.at === null ? last : this.at + (event.key === 'ArrowLeft' ? -1 : 1);
      this.point(Math.min(last, Math.max(0, next)));
    }
  }

  point(index) {
    this.plots.forEach((plot) => plot.setCursor({ left: plot.valToPos(this.data[0][index], 'x'), top: 10 }));
    this.tell(index);
  }

  tell(index) {
    if (index === null || index === undefined || !this.curve) { return; }
    const point = this.curve.points[index];
    this.at = index;
    byId('point').textContent = `${timeText(point.time)}, commit ${point.sequence}: equity ${point.equity}, ` +
      `peak ${point.peak}, drawdown ${(100 * Number(point.drawdown)).toFixed(2)} %`;
  }
}

// ---- the views -----------------------------------------------------------------------------

const grids = {
  positions: new Grid('positions', 'Positions', { short: true }),
  balances: new Grid('balances', 'Balances', { short: true, filter: false }),
  orders: new Grid('open-orders', 'Open orders'),
  entries: new Grid('entries', 'Ledger entries'),
  changes: new Grid('changes', 'Changes of this commit', { short: true, filter: false }),
  pastPositions: new Grid('past-positions', 'Positions then', { short: true }),
  pastOrders: new Grid('past-orders', 'Open orders then', { short: true }),
  differences: new Grid('differences', 'Differences', { short: true }),
  books: new Grid('book-list', 'Books', { short: true, filter: false }),
};
const chart = new Chart();
const journal = { book: '', sequence: 0, status: null };
const book = () => ({ book: journal.book });

async function showOverview() {
  const [head, curve, positions, balances] = await Promise.all([
    askJson('/api/portfolio', book()), askJson('/api/equity', { ...book(), ...chart.asked() }),
    askJson('/api/positions', book()), askJson('/api/balances', book())]);
  portfolioFacts(byId('portfolio'), head);
  chart.show(curve);
  grids.positions.show(positions);
  grids.balances.show(balances);
}

async function showOrders() {
  grids.orders.show(await askJson('/api/orders', book()));
}

let algosShown = null;

function algoDetails(id, algo) {
  const text = element('pre');
  text.textContent = visible(jsonText(algo.get('state')), '\n');
  return element('details', { 'data-id': id },
    element('summary', {}, element('strong', {}, visible(algo.get('algo_type'))), ` ${id}`), text);
}

function quarantinedDetails(entry) {
  const text = element('pre');
  text.textContent = visible(entry.get('raw_hex'));
  return element('details', { class: 'bad' },
    element('summary', {}, `cannot be decoded: ${entry.get('id')}: ${visible(entry.get('reason'))}`), text);
}

async function showAlgos() {
  const text = await ask('/api/algos', book());
  if (text === algosShown) { return; }
  algosShown = text;
  const answer = parseExact(text);
  const list = byId('algo-list');
  const open = new Set(Array.from(list.querySelectorAll('details[open]'), (d) => d.dataset.id));
  const made = [...Array.from(answer.get('algos'), ([id, algo]) => algoDetails(id, algo)),
    ...answer.get('quarantined').map(quarantinedDetails)];
  made.forEach((d) => { d.open = open.has(d.dataset.id); });
  list.replaceChildren(...(made.length ? made : [element('p', { class: 'none' }, 'No algorithms are running.')]));
}

async function showLedger() {
  grids.entries.show(await askJson('/api/ledger',
    { ...book(), type: byId('ledger-type').value, limit: 1000, desc: true }));
}

function changesTable(changes) {
  return {
    columns: ['kind', 'book', 'owner', 'key', 'before', 'after'],
    rows: changes.map((c) => [c.get('kind'), c.get('book'), c.get('owner') ?? null, c.get('key'),
      oneLine(c.get('old')), c.get('moved')?.text === 'true' ? 'moved' : oneLine(c.get('new'))]),
  };
}

async function showMoment(at) {
  const then = { ...book(), at };
  const [commits, head, positions, orders] = await Promise.all([
    askExact('/api/history', { from: at, to: at, limit: 1, old: true }), askJson('/api/portfolio', then),
    askJson('/api/positions', then), askJson('/api/orders', then)]);
  const commit = commits.get('commits')[0];
  byId('moment').textContent = `Commit ${at} of ${timeText(commit?.get('time'))}` +
    (commit?.get('note') ? `: ${visible(commit.get('note'))}` : '');
  grids.changes.show(changesTable(commit?.get('changes') ?? []));
  portfolioFacts(byId('past-portfolio'), head);
  grids.pastPositions.show(positions);
  grids.pastOrders.show(orders);
}

async function showHistory() {
  const status = await askJson('/api/status');
  const slider = byId('slider');
  const commit = byId('commit');
  const newest = Math.max(1, status.sequence);
  const follows = !slider.dataset.at;
  for (const input of [slider, commit]) {
    input.min = Math.max(1, status.history.oldest_sequence);
    input.max = newest;
  }
  const at = follows ? newest : Number(slider.dataset.at);
  slider.value = at;
  if (document.activeElement !== commit) { commit.value = at; }
  slider.setAttribute('aria-valuetext', `commit ${at} of ${newest}`);
  await showMoment(at);
}

const writerFact = (writer) => ['Writer', writer.alive ? `running: ${writer.description}`
  : `none${writer.description ? `; the last was ${writer.description}` : ''}`, writer.alive ? '' : 'bad'];

const historyFact = (history) => ['History', !history.oldest_sequence ? 'from the first commit on'
  : `from commit ${history.oldest_sequence} on${history.oldest_time ? `, ${timeText(history.oldest_time)}` : ''}`];

function directoryFacts(status) {
  const age = (b) => (b.age_s === null ? `at ${timeText(b.made_at ?? b.verified_at)}, which is still to come`
    : ageText(b.age_s));
  const backup = (b) => (b ? `${age(b)}, up to commit ${b.sequence}, in ${b.directory}` : 'none is known');
  return [
    status.damaged && ['Damaged', status.damaged, 'bad'],
    writerFact(status.writer),
    ['Commit', `${status.sequence}, ${timeText(status.sequence_time)}`],
    ['Applied to LMDB', `${status.applied_sequence}, ${sizeText(status.lag_bytes)} behind`],
    ['Durability', status.durability],
    ['Log', `${several(status.log_segments, 'segment')}, ${sizeText(status.log_bytes)}`],
    ['State', sizeText(status.state_bytes)],
    ['Space', `${sizeText(status.free_bytes)} free, ${sizeText(status.reserve_bytes)} in reserve`,
      status.space_low || status.reserve_bytes === 0 ? 'bad' : ''],
    historyFact(status.history),
    ['Backup', backup(status.backup)], ['Proven backup', backup(status.verified_backup)],
    ['Readers', status.readers.count], ['Last recovery', timeText(status.recovered_at)],
    ['Format', `${status.engine} ${status.format}`], ['Id', status.journal_id],
  ];
}

const standbyText = (s) => `${s.name}${s.address ? ` at ${s.address}` : ''}, ${s.state === null
  ? 'how it does is not shown to this role' : `${s.sync}, ${s.state}, ${sizeText(s.behind_bytes)} behind`}`;

function serverFacts(status) {
  const version = `PostgreSQL ${Math.floor(status.server_version / 10000)}.${status.server_version % 10000}`;
  const lone = [['Standby', 'none is known: what is acknowledged may be on one machine']];
  return [
    writerFact(status.writer),
    status.writer.description && ['Last sign of it', timeText(status.writer_seen)],
    ['Commit', `${status.sequence}, ${timeText(status.sequence_time)}`],
    ['Applied to rows', `${status.applied_sequence}, ${sizeText(status.lag_bytes)} behind`],
    ['Durability', status.durability],
    ['Server', `${version}${status.server_is_standby ? ', a standby: it may be behind' : ''}`],
    ...(status.standbys.length ? status.standbys.map((s) => ['Standby', standbyText(s)]) : lone),
    status.unreplicated && ['Unreplicated', several(status.unreplicated, 'commit'), 'bad'],
    ['State', `${sizeText(status.state_bytes)}, of all journals in the schema`],
    historyFact(status.history),
    ['Epoch', status.epoch],
    ['Format', `${status.engine} ${status.format}`], ['Id', status.journal_id],
  ];
}

async function showHealth() {
  const [status, health] = await Promise.all([askJson('/api/status'), askJson('/api/health', { writer: true })]);
  const findings = health.findings.map((f) => element('li', { class: 'bad' }, `${f.name}: ${visible(f.message)}`));
  byId('findings').replaceChildren(...(findings.length ? findings : [element('li', { class: 'good' }, 'All is well.')]));
  facts(byId('journal'), status.engine === 'postgres' ? serverFacts(status) : directoryFacts(status));
  grids.books.show({ columns: ['book', 'positions', 'open orders', 'algos', 'ledger', 'rows'],
    rows: status.books.map((b) => [b.name, ...[b.positions, b.open_orders, b.algos, b.ledger_sequence, b.state_rows].map(String)]) });
}

const views = { overview: showOverview, orders: showOrders, algos: showAlgos, ledger: showLedger,
  history: showHistory, health: showHealth };

// ---- which view, and when ------------------------------------------------------------------

// Looking again takes at most a quarter of the time.
const PAUSE_MS = 1000;
const PAUSE_FACTOR = 3;
const AGAIN_MS = 5000; // after a failure
const refreshing = { busy: false, again: false };
let nextRefresh = 0;
const viewName = () => (views[location.hash.slice(1)] ? location.hash.slice(1) : 'overview');

function tellProblem(box, problem) {
  box.hidden = !problem;
  box.parentElement.classList.toggle('stale', Boolean(problem));
  if (problem) {
    box.textContent = visible(`${problem.message}${problem.advice ? `. ${problem.advice}` : ''} ` +
      '(What stands below is of before.)');
  }
}

// One at a time; what comes meanwhile is looked at once more afterwards.
async function refresh() {
  if (refreshing.busy) {
    refreshing.again = true;
    return;
  }
  refreshing.busy = true;
  do {
    refreshing.again = false;
    const began = Date.now();
    const name = viewName();
    const box = document.querySelector(`#view-${name} .problem`);
    try {
      await views[name]();
      tellProblem(box, null);
    } catch (problem) {
      tellProblem(box, problem);
      if (problem.passes ?? true) { setTimeout(refreshSoon, AGAIN_MS); }
    }
    nextRefresh = Date.now() + Math.max(PAUSE_MS, PAUSE_FACTOR * (Date.now() - began));
    document.body.dataset.shown = `${name} ${journal.sequence}`;
  } while (refreshing.again);
  refreshing.busy = false;
}

let waiting = null;

function refreshSoon() {
  waiting ??= setTimeout(() => {
    waiting = null;
    refresh();
  }, Math.max(0, nextRefresh - Date.now()));
}

function showView() {
  const name = viewName();
  document.querySelectorAll('main > section').forEach((s) => { s.hidden = s.id !== `view-${name}`; });
  document.querySelectorAll('nav a').forEach((a) => {
    if (a.hash === `#${name}`) {
      a.setAttribute('aria-current', 'page');
    } else {
      a.removeAttribute('aria-current');
    }
  });
  document.title = `${byId(`h-${name}`).textContent} - tesser-journal`;
  refresh();
}

// ---- the journal itself --------------------------------------------------------------------

function tellPulse(text, bad) {
  const pulse = byId('pulse');
  if (pulse.textContent !== text) { pulse.textContent = text; }
  pulse.classList.toggle('bad', bad);
}

function tellTrouble(text) {
  const trouble = byId('trouble');
  if (trouble.textContent !== text) { trouble.textContent = text; }
  trouble.hidden = !text;
}

function onJournal(event) {
  const told = JSON.parse(event.data);
  journal.sequence = told.sequence ?? journal.sequence;
  if (told.status !== 'OK') {
    const away = told.status === 'UNAVAILABLE';
    const left = told.sequence ? ` What is shown is of commit ${count(told.sequence)}.` : '';
    tellPulse(away ? 'server away' : `cannot be opened: ${told.status}`, true);
    tellTrouble(visible(`${away ? 'The server is away' : 'The journal cannot be opened'} since ${timeText(told.since)}: ${told.error}.${left}`));
  } else {
    tellPulse(`commit ${count(told.sequence)}, ${told.writer_alive ? 'writer running' : 'no writer'}`, !told.writer_alive);
    tellTrouble(!told.writer_alive ? 'No process writes to this journal: what is shown does not change until one does.'
      : told.space_low ? 'Space on the journal\'s disk is low.' : '');
  }
  if (told.status === 'OK' && !byId('path').textContent) {
    showBooks().catch(() => { /* the next event asks again */ });
  }
  refreshSoon();
}

let events = null;

// While nobody sees the page it listens to nothing: a browser has few connections to one server.
function listen() {
  if (document.hidden || (events && events.readyState !== EventSource.CLOSED)) { return; }
  events = new EventSource('/api/events');
  events.addEventListener('journal', onJournal);
  events.addEventListener('error', () => {
    tellPulse('not connected', true);
    if (events.readyState === EventSource.CLOSED) { setTimeout(listen, 2000); }
  });
}

function onVisibility() {
  if (document.hidden) {
    events?.close();
  } else {
    listen();
    refreshSoon();
  }
}

async function showBooks() {
  const status = await askJson('/api/status');
  byId('path').textContent = visible(status.path);
  byId('books').hidden = status.books.length < 2;
  const usual = status.books.length < 2 ? '' : (await askJson('/api/portfolio')).book;
  byId('book').replaceChildren(...status.books.map((b) => {
    const option = element('option', { value: b.name });
    option.textContent = visible(b.name);
    option.selected = b.name === usual;
    return option;
  }));
}

let sliding = null;

function slideTo(at) {
  const slider = byId('slider');
  const wanted = Math.min(Number(slider.max), Math.max(Number(slider.min), Number(at) || 1));
  slider.dataset.at = wanted;
  slider.value = wanted;
  byId('commit').value = wanted;
  clearTimeout(sliding);
  sliding = setTimeout(refresh, 80);
}

async function compare(event) {
  event.preventDefault();
  const box = document.querySelector('#view-history .problem');
  const form = new FormData(event.target);
  try {
    const diff = await askExact('/api/diff', { from: form.get('from'), to: form.get('to') });
    grids.differences.show(changesTable(diff.get('changes')));
    tellProblem(box, null);
  } catch (problem) {
    tellProblem(box, problem);
  }
}

function begin() {
  byId('slider').addEventListener('input', (event) => slideTo(event.target.value));
  byId('commit').addEventListener('change', (event) => slideTo(event.target.value));
  byId('newest').addEventListener('click', () => {
    delete byId('slider').dataset.at;
    refresh();
  });
  byId('diff').addEventListener('submit', compare);
  byId('ledger-type').addEventListener('change', refresh);
  byId('book').addEventListener('change', (event) => {
    journal.book = event.target.value;
    chart.range = null;
    refresh();
  });
  addEventListener('hashchange', showView);
  document.addEventListener('visibilitychange', onVisibility);
  showView();
  listen();
}

begin();
