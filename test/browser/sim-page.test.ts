import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawSchedule, runSchedule, type Schedule } from '@holdfast/sim';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TraceReader } from '../../scripts/sim-page/read-trace.ts';
import { simPage } from '../../scripts/sim-page/sim-page.ts';
import type { Timeline } from '../../scripts/sim-page/timeline.ts';
import { Browser } from '../support/browser.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const NODES = ['n1', 'n2', 'n3'];

/** A primary is killed in the middle of a second of work. */
function killedPrimary(): Schedule {
  const drawn = drawSchedule(1);
  return {
    ...drawn,
    cluster: { ...drawn.cluster, nodes: NODES.length, limits: {} },
    startsEarly: false,
    workMs: 1000,
    faults: [{ atMs: 400, kind: 'kill', node: 'n1', orPrimary: true, comeback: { awayMs: 300 } }],
    majority: NODES,
  };
}

let timeline: Timeline;
let browser: Browser;

beforeAll(async () => {
  const reader = new TraceReader();
  await runSchedule(killedPrimary(), { print: (line) => reader.read(line) });
  timeline = reader.timeline();
  const file = join(temporaryDirectory(), 'run.html');
  writeFileSync(file, simPage(timeline));
  browser = await Browser.open(`file://${file}`, {
    width: 1400,
    height: 1000,
    profile: temporaryDirectory(),
  });
  await drawn();
});

afterAll(() => browser?.close());

/** The next frame has been drawn. */
async function drawn(): Promise<void> {
  await browser.evaluate(`new Promise((resolve) => {
    const look = () =>
      document.getElementById('lanes').dataset.drawn === undefined
        ? requestAnimationFrame(look)
        : requestAnimationFrame(() => requestAnimationFrame(resolve));
    look();
  })`);
}

async function press(...keys: readonly string[]): Promise<void> {
  for (const key of keys) await browser.press(key);
  await drawn();
}

async function click(selector: string): Promise<void> {
  await browser.evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);
  await drawn();
}

async function textOf(selector: string): Promise<string> {
  return browser.evaluate(`document.querySelector(${JSON.stringify(selector)}).innerText`);
}

async function shown(): Promise<{ from: number; to: number; messages: string }> {
  const data = await browser.evaluate<Record<string, string>>(
    `({ ...document.getElementById('lanes').dataset })`,
  );
  return { from: Number(data.from), to: Number(data.to), messages: data.messages ?? '' };
}

/** Pixels of the lanes that have the colour of a style variable. */
async function pixels(variable: string): Promise<number> {
  return browser.evaluate(`(() => {
    const canvas = document.getElementById('lanes');
    const color = getComputedStyle(document.documentElement).getPropertyValue('--${variable}').trim();
    const wanted = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4)
      if (data[at] === wanted[0] && data[at + 1] === wanted[1] && data[at + 2] === wanted[2]) count += 1;
    return count;
  })()`);
}

describe('The page of a simulated run, in Chromium', () => {
  it('loads nothing and throws nothing, and tells the run in words', async () => {
    expect(browser.errors).toEqual([]);
    expect(await browser.evaluate(`performance.getEntriesByType('resource').length`)).toBe(0);
    expect(await textOf('h1')).toBe('A simulated run of a Holdfast cluster');
    const summary = await textOf('#summary');
    expect(summary).toContain('3 nodes');
    expect(summary).toContain('The primary changed 1 time,');
    expect(summary).toContain('It passed.');
    const { node, previous, term } = timeline.changes[0]!;
    const story = await textOf('#list');
    expect(story).toContain(`${node} takes over from ${previous}, term ${term}, after `);
    for (const step of [
      `${previous} is killed`,
      'stands for election',
      'it takes writes',
      'a client is answered',
    ])
      expect(story).toContain(step);
  });

  it('draws what each node is, faults and calls', async () => {
    for (const variable of ['primary', 'standby', 'down', 'fault', 'text'])
      expect(await pixels(variable), variable).toBeGreaterThan(50);
    expect(await pixels('log')).toBeGreaterThan(10);
  });

  it('shows a failover from near, with the messages as lines, by a key', async () => {
    await press('n');
    const { from, to, messages } = await shown();
    const { at, lostAt } = timeline.changes[0]!;
    expect(messages).toBe('lines');
    expect(from).toBeLessThan(lostAt!);
    expect(to).toBeGreaterThan(at);
    expect(to - from).toBeLessThan(timeline.endMs / 4);
    expect(await pixels('election')).toBeGreaterThan(50);
    const told = await textOf('#list [aria-current]');
    expect(told).toContain(`${timeline.changes[0]!.node} takes over`);
    expect(told).toContain('a majority has elected it');
  });

  it('zooms and moves by keys and by the wheel', async () => {
    await press('0');
    expect(await shown()).toMatchObject({ from: 0, to: Number(timeline.endMs.toFixed(3)) });
    await press('+', '+');
    const near = await shown();
    expect(near.to - near.from).toBeLessThan(timeline.endMs / 2);
    await press('ArrowRight');
    const right = await shown();
    expect(right.from).toBeGreaterThan(near.from);
    expect(right.to - right.from).toBeCloseTo(near.to - near.from, 1);
    await browser.wheel(600, 500, -400);
    await drawn();
    const nearer = await shown();
    expect(nearer.to - nearer.from).toBeLessThan(right.to - right.from);
  });

  it('finds what is searched for, and tells all of it', async () => {
    await press('0', '/');
    for (const key of 'is killed') await browser.press(key);
    expect(await textOf('#list-title')).toBe('1 found');
    await browser.evaluate(`document.querySelector('#list button').focus()`);
    await browser.press('Enter', '\r');
    await drawn();
    expect(await textOf('#details')).toContain(`${timeline.changes[0]!.previous} is killed`);
    await press('Escape');
    expect(await browser.evaluate(`document.getElementById('details').hidden`)).toBe(true);
    await browser.evaluate(`document.getElementById('search').value = ''`);
    await browser.evaluate(`document.getElementById('search').dispatchEvent(new Event('input'))`);
    expect(await textOf('#list-title')).toBe('What happened');
  });

  it('tells of what is clicked', async () => {
    await press('0');
    const box = await browser.evaluate<{ left: number; top: number }>(
      `(({ left, top }) => ({ left, top }))(document.getElementById('lanes').getBoundingClientRect())`,
    );
    // The band of the first node, near its end, when it is a standby or the primary.
    await browser.click(box.left + 1000, box.top + 70 + 27);
    await drawn();
    expect(await textOf('#details')).toMatch(/n1: (standby|primary)/);
    await press('Escape');
  });

  it('leaves out what is filtered, and hides lanes', async () => {
    const height = await browser.evaluate<number>(`document.getElementById('lanes').clientHeight`);
    await click('#hosts button');
    expect(await browser.evaluate(`document.getElementById('lanes').clientHeight`)).toBeLessThan(height);
    await click('#hosts button');
    expect(await browser.evaluate(`document.getElementById('lanes').clientHeight`)).toBe(height);
    await click('#filters button');
    expect(await pixels('log')).toBe(0);
    await click('#filters button');
    expect(await pixels('log')).toBeGreaterThan(10);
  });

  it('is as readable in dark colours', async () => {
    const light = await pixels('page');
    await click('#theme');
    await click('#theme');
    expect(await browser.evaluate(`document.documentElement.dataset.theme`)).toBe('dark');
    expect(await pixels('primary')).toBeGreaterThan(50);
    expect(light).toBeGreaterThan(1000);
    expect(browser.errors).toEqual([]);
  });
});
