import { MESSAGE_CLASSES } from '../timeline.ts';
import { CLASS_WORDS, detailsOf, element, OUTCOME_WORDS } from './details.ts';
import { drawBackground, drawEvents, drawLabels, drawLane } from './draw-lanes.ts';
import { drawMessages } from './draw-messages.ts';
import { itemAt, neighbour, search, timeOf, wordsOf } from './find.ts';
import { GUTTER, layOut } from './lanes.ts';
import { type Item, momentText, type PageState, readTimeline, timeText } from './model.ts';
import { type Hit, painter, prepare } from './paint.ts';
import { type StoryLine, storyOf, summaryOf } from './story.ts';
import { Viewport } from './viewport.ts';

const FOUND_MAX = 300;
const OVERVIEW_HEIGHT = 44;
/** Of the screen, one press of an arrow. */
const PAN_SHARE = 0.15;

const byId = (id: string): HTMLElement => document.getElementById(id)!;

const timeline = await readTimeline();
const state: PageState = {
  timeline,
  hiddenClasses: new Set(),
  hiddenHosts: new Set(),
  showsCalls: true,
  selected: undefined,
};
const view = new Viewport(timeline.endMs);
const story = storyOf(timeline);
const canvas = byId('lanes') as HTMLCanvasElement;
const overview = byId('overview') as HTMLCanvasElement;
let layout = layOut(state);
let hits: readonly Hit[] = [];
let isPlanned = false;
let change = -1;
let theme = 'system';

const KEYS: Readonly<Record<string, (isFar: boolean) => void>> = {
  '+': () => moved(() => view.zoom(1.6)),
  '=': () => moved(() => view.zoom(1.6)),
  '-': () => moved(() => view.zoom(1 / 1.6)),
  0: () => moved(() => view.fit()),
  ArrowLeft: (isFar) => moved(() => view.pan(-view.span * (isFar ? 1 : PAN_SHARE))),
  ArrowRight: (isFar) => moved(() => view.pan(view.span * (isFar ? 1 : PAN_SHARE))),
  Home: () => moved(() => view.show(0, view.span)),
  End: () => moved(() => view.show(timeline.endMs - view.span, timeline.endMs)),
  n: () => showChange(Math.min(change + 1, timeline.changes.length - 1)),
  p: () => showChange(Math.max(change - 1, 0)),
  '.': () => step(1),
  ',': () => step(-1),
  '/': () => byId('search').focus(),
  '?': () => toggleHelp(),
};

byId('summary').replaceChildren(...summaryOf(timeline));
byId('scenario').textContent = timeline.title;
makeFilters();
makeLegend();
list(story.map(storyButton), 'What happened');
bindPointer();
bindKeys();
bindButtons();
new ResizeObserver(plan).observe(canvas);
window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => setTheme());
setTheme();

/** Draws with the next frame. */
function plan(): void {
  if (isPlanned) return;
  isPlanned = true;
  requestAnimationFrame(() => {
    isPlanned = false;
    draw();
  });
}

function draw(): void {
  const context = prepare(canvas, layout.height);
  view.left = GUTTER;
  view.right = canvas.clientWidth - 6;
  const paint = painter({ context, state, view, layout });
  context.save();
  context.beginPath();
  context.rect(0, 0, view.right, layout.height);
  context.clip();
  drawBackground(paint);
  // Bands lie over them, so that their words can be read.
  const mode = drawMessages(paint);
  for (const lane of layout.lanes.values()) drawLane(paint, lane);
  drawEvents(paint);
  context.restore();
  drawLabels(paint);
  hits = paint.hits;
  drawOverview(paint.color);
  // For whoever looks without eyes, or tests.
  canvas.dataset.messages = mode;
  canvas.dataset.from = view.from.toFixed(3);
  canvas.dataset.to = view.to.toFixed(3);
  canvas.dataset.drawn = String(hits.length);
}

/** The whole run in a strip: a row for each node, and the part that is seen. */
function drawOverview(color: (name: string) => string): void {
  const context = prepare(overview, OVERVIEW_HEIGHT);
  const x = overviewX;
  const row = (OVERVIEW_HEIGHT - 10) / Math.max(1, timeline.nodes.length);
  for (const { from, to } of timeline.gaps) {
    context.fillStyle = color('gap');
    context.fillRect(x(from), 0, Math.max(1, x(to) - x(from)), OVERVIEW_HEIGHT);
  }
  for (const { host, from, to, state: is, admits, isFrozen } of timeline.roles) {
    const name =
      is === 'down'
        ? 'down'
        : isFrozen
          ? 'frozen'
          : is === 'primary' && admits
            ? 'primary'
            : is === 'candidate'
              ? 'candidate'
              : 'standby';
    context.fillStyle = color(name);
    context.fillRect(
      x(from),
      5 + timeline.nodes.indexOf(host) * row,
      Math.max(0.7, x(to) - x(from)),
      row - 1,
    );
  }
  context.fillStyle = color('fault');
  for (const { kind, at } of timeline.events)
    if (kind === 'fault' || kind === 'failure') context.fillRect(x(at), 0, 1, 5);
  context.strokeStyle = color('text');
  context.lineWidth = 2;
  context.strokeRect(x(view.from), 1, Math.max(3, x(view.to) - x(view.from)), OVERVIEW_HEIGHT - 2);
  context.fillStyle = color('quiet');
  context.font = '11px system-ui, sans-serif';
  context.fillText('whole run', 8, OVERVIEW_HEIGHT / 2);
}

function overviewX(ms: number): number {
  return GUTTER + (ms / timeline.endMs) * (overview.clientWidth - 6 - GUTTER);
}

function makeFilters(): void {
  for (const name of MESSAGE_CLASSES) {
    const set = (shown: boolean): unknown =>
      shown ? state.hiddenClasses.delete(name) : state.hiddenClasses.add(name);
    byId('filters').append(toggle({ words: CLASS_WORDS[name] ?? name, color: name, set }));
  }
  const setCalls = (shown: boolean): void => {
    state.showsCalls = shown;
  };
  byId('filters').append(toggle({ words: 'Calls', color: 'ok', set: setCalls }));
  for (const host of timeline.hosts) {
    const set = (shown: boolean): void => {
      if (shown) state.hiddenHosts.delete(host);
      else state.hiddenHosts.add(host);
      layout = layOut(state);
    };
    byId('hosts').append(toggle({ words: host, set }));
  }
}

function toggle(options: { words: string; color?: string; set(shown: boolean): unknown }): HTMLElement {
  const { words, color, set } = options;
  const button = element('button', { 'aria-pressed': 'true' });
  if (color !== undefined)
    button.append(element('span', { class: 'swatch', style: `background: var(--${color})` }));
  button.append(words);
  button.addEventListener('click', () => {
    const shown = button.getAttribute('aria-pressed') !== 'true';
    button.setAttribute('aria-pressed', String(shown));
    set(shown);
    plan();
  });
  return button;
}

function makeLegend(): void {
  const entries: [color: string, words: string][] = [
    ['primary', 'primary that takes writes'],
    ['pending', 'elected, takes no writes yet'],
    ['candidate', 'candidate'],
    ['standby', 'standby'],
    ['starting', 'starting'],
    ['down', 'down'],
    ['frozen', 'frozen'],
    ['gap', 'nobody takes writes'],
    ['fault', 'a fault'],
    ['quiet', 'the end of one'],
    ...MESSAGE_CLASSES.map((name): [string, string] => [
      name,
      `messages: ${(CLASS_WORDS[name] ?? name).toLowerCase()}`,
    ]),
    ...Object.entries(OUTCOME_WORDS).map(([name, words]): [string, string] => [name, `call ${words}`]),
  ];
  for (const [color, words] of entries)
    byId('legend').append(
      element('div', {}, element('dt', { style: `background: var(--${color})` }), element('dd', {}, words)),
    );
}

function storyButton(line: StoryLine): HTMLElement {
  const text = element('span', { class: line.className }, line.words);
  if (line.steps.length > 0)
    text.append(element('ul', { class: 'steps' }, ...line.steps.map((step) => element('li', {}, step))));
  return listButton(line.at, text, () => {
    if (line.change !== undefined) showChange(timeline.changes.indexOf(line.change));
    else if (line.place !== undefined) select({ kind: 'event', place: line.place });
  });
}

function listButton(at: number, text: HTMLElement, onClick: () => void): HTMLElement {
  const button = element('button', {}, element('time', {}, momentText(at)), text);
  button.addEventListener('click', () => {
    for (const other of byId('list').querySelectorAll('[aria-current]'))
      other.removeAttribute('aria-current');
    button.setAttribute('aria-current', 'true');
    onClick();
  });
  return button;
}

function list(buttons: readonly HTMLElement[], title: string): void {
  byId('list-title').textContent = title;
  byId('list').replaceChildren(...buttons.map((button) => element('li', {}, button)));
}

function find(query: string): void {
  if (query.trim() === '') {
    list(story.map(storyButton), 'What happened');
    return;
  }
  const { items, count } = search(query, timeline, FOUND_MAX);
  const title = count > items.length ? `${count} found, the first ${items.length}` : `${count} found`;
  const buttons = items.map((item) => {
    const kind = item.kind === 'event' ? timeline.events[item.place]!.kind : item.kind;
    return listButton(timeOf(item, timeline), element('span', { class: kind }, wordsOf(item, timeline)), () =>
      select(item),
    );
  });
  list(buttons, title);
}

/** Shows what is known of an item, and where it is. */
function select(item: Item | undefined): void {
  state.selected = item;
  const details = byId('details');
  details.hidden = item === undefined;
  if (item !== undefined) {
    const close = element('button', { class: 'close', 'aria-label': 'Close details' }, '×');
    close.addEventListener('click', () => select(undefined));
    details.replaceChildren(...detailsOf(item, timeline), close);
    view.reveal(timeOf(item, timeline));
  }
  plan();
}

function step(by: 1 | -1): void {
  const next = state.selected && neighbour(state.selected, timeline, by);
  if (next !== undefined) select(next);
}

/** So near that its steps can be told apart. */
function showChange(place: number): void {
  const found = timeline.changes[place];
  if (found === undefined) return;
  change = place;
  const { at, cause, lostAt, electionAt, firstAnswerAt } = found;
  const from = Math.min(at, cause?.at ?? at, lostAt ?? at, electionAt ?? at);
  const to = Math.max(at, Math.min(firstAnswerAt ?? at, at + 200));
  const margin = Math.max(3, (to - from) * 0.25);
  view.show(from - margin, to + margin);
  select(undefined);
  (byId('search') as HTMLInputElement).value = '';
  list(story.map(storyButton), 'What happened');
  const box = byId('list');
  const told = box.querySelectorAll('button')[story.findIndex((line) => line.change === found)];
  told?.setAttribute('aria-current', 'true');
  // Not `scrollIntoView`, which moves the page too.
  if (told !== undefined) box.scrollTop = told.offsetTop - box.offsetTop - box.clientHeight / 3;
}

function bindButtons(): void {
  const on = (id: string, work: () => void): void => byId(id).addEventListener('click', work);
  on('fit', () => moved(() => view.fit()));
  on('zoom-in', () => moved(() => view.zoom(1.6)));
  on('zoom-out', () => moved(() => view.zoom(1 / 1.6)));
  on('next', () => showChange(Math.min(change + 1, timeline.changes.length - 1)));
  on('previous', () => showChange(Math.max(change - 1, 0)));
  on('theme', () => {
    const themes = ['system', 'light', 'dark'];
    setTheme(themes[(themes.indexOf(theme) + 1) % themes.length]);
  });
  on('help-button', () => toggleHelp());
  byId('search').addEventListener('input', () => find((byId('search') as HTMLInputElement).value));
  for (const id of ['next', 'previous'])
    (byId(id) as HTMLButtonElement).disabled = timeline.changes.length === 0;
}

function toggleHelp(isShown: boolean = byId('help').hidden !== false): void {
  byId('help').hidden = !isShown;
  byId('help-button').setAttribute('aria-expanded', String(isShown));
}

function setTheme(name: string = theme): void {
  theme = name;
  const isDark =
    name === 'dark' || (name === 'system' && window.matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
  byId('theme').textContent = `Colours: ${name}`;
  plan();
}

function moved(move: () => void): void {
  move();
  plan();
}

function bindPointer(): void {
  let drag: { x: number; moved: number } | undefined;
  canvas.addEventListener('pointerdown', (event) => {
    drag = { x: event.offsetX, moved: 0 };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (drag === undefined) {
      hover(event);
      return;
    }
    const dx = event.offsetX - drag.x;
    drag = { x: event.offsetX, moved: drag.moved + Math.abs(dx) };
    canvas.classList.toggle('dragging', drag.moved > 3);
    if (drag.moved > 3) moved(() => view.pan(-dx / view.pixelsPerMs));
  });
  canvas.addEventListener('pointerup', (event) => {
    if (drag !== undefined && drag.moved <= 3) select(itemAt(hits, event.offsetX, event.offsetY));
    drag = undefined;
    canvas.classList.remove('dragging');
  });
  canvas.addEventListener('pointerleave', () => {
    byId('tip').hidden = true;
  });
  canvas.addEventListener(
    'wheel',
    (event) => {
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY))
        moved(() => view.pan(event.deltaX / view.pixelsPerMs));
      else if (event.ctrlKey || !event.shiftKey)
        moved(() => view.zoom(1.0015 ** -event.deltaY, view.ms(event.offsetX)));
      else return;
      event.preventDefault();
    },
    { passive: false },
  );
  const jump = (event: PointerEvent): void => {
    if (event.buttons === 0) return;
    const at = ((event.offsetX - GUTTER) / (overview.clientWidth - 6 - GUTTER)) * timeline.endMs;
    moved(() => view.show(at - view.span / 2, at + view.span / 2));
  };
  overview.addEventListener('pointerdown', jump);
  overview.addEventListener('pointermove', jump);
}

function hover(event: PointerEvent): void {
  const tip = byId('tip');
  const item = itemAt(hits, event.offsetX, event.offsetY);
  tip.hidden = item === undefined;
  if (item === undefined) return;
  const at = `${momentText(timeOf(item, timeline))} ms`;
  const length =
    item.kind === 'call'
      ? `, ${timeText(timeline.calls[item.place]!.to - timeline.calls[item.place]!.from)}`
      : '';
  const words = wordsOf(item, timeline);
  tip.textContent = `${at}${length}  ${words.length > 200 ? `${words.slice(0, 200)}…` : words}`;
  const room = canvas.clientWidth - 380;
  tip.style.left = `${Math.min(event.offsetX + 14, Math.max(0, room))}px`;
  tip.style.top = `${event.offsetY + OVERVIEW_HEIGHT + 18}px`;
}

function bindKeys(): void {
  document.addEventListener('keydown', (event) => {
    const isTyping = event.target instanceof HTMLInputElement;
    if (event.key === 'Escape') {
      toggleHelp(false);
      select(undefined);
      return;
    }
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const work = KEYS[event.key];
    if (work === undefined) return;
    work(event.shiftKey);
    event.preventDefault();
  });
}
