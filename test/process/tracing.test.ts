import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, expect, it } from 'vitest';
import { ROOT } from '../../scripts/support/workspace.ts';
import { startTestCluster } from '../support/cluster/test-cluster.ts';
import { waitUntil } from '../support/faults/wait-until.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import type { SpanLine } from '../support/tracing/span-line.ts';

const RECORDER = join(ROOT, 'test/support/tracing/traced-process.ts');

afterAll(() => trace.disable());

it('one trace joins client, primary and standbys; without an SDK in the client there is none', async () => {
  const directory = temporaryDirectory();
  const fileOf = (id: string): string => join(directory, `${id}.spans`);
  const cluster = await startTestCluster({
    // Another primary would have spans as well: no election for want of a processor.
    flags: { electionTimeoutMs: 2000 },
    launcherOf: (id) => ['env', `NODE_OPTIONS=--import=${RECORDER}`, `SPANS_FILE=${fileOf(id)}`],
  });
  const spansOf = (id: string): SpanLine[] => {
    const text = existsSync(fileOf(id)) ? readFileSync(fileOf(id), 'utf8') : '';
    const lines = text.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as SpanLine);
  };
  const client = await cluster.client();
  await client.put('before', '1');
  await client.get('before');
  const primary = client.topology()?.primary ?? 'no primary';
  const standbys = cluster.ids.filter((id) => id !== primary);

  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
  );
  await client.put('a', '1', { ack: 'all' });
  await client.get('a');
  await client.iterator().all();
  const [put, get, iterate] = exporter.getFinishedSpans();
  const isComplete = (): boolean =>
    spansOf(primary).length >= 6 && standbys.every((id) => spansOf(id).length >= 1);
  await waitUntil('spans of the nodes', isComplete);

  const onPrimary = spansOf(primary);
  const [write] = onPrimary.filter(({ name }) => name === 'holdfast.write');
  const [read] = onPrimary.filter(({ name }) => name === 'holdfast.read');
  const [scan] = onPrimary.filter(({ name }) => name === 'holdfast.scan');
  expect(write).toMatchObject({
    traceId: put?.spanContext().traceId,
    parentSpanId: put?.spanContext().spanId,
    attributes: { 'holdfast.node': primary, 'holdfast.ack.reached': 'all', 'holdfast.copies': 3 },
  });
  expect(read?.parentSpanId).toBe(get?.spanContext().spanId);
  expect(scan?.parentSpanId).toBe(iterate?.spanContext().spanId);
  const stages = onPrimary.filter(({ parentSpanId }) => parentSpanId === write?.spanId);
  expect(stages.map(({ name }) => name).sort()).toEqual([
    'holdfast.log',
    'holdfast.queue',
    'holdfast.replicate',
  ]);
  // Nothing else: neither of what went before the SDK, nor of what belongs to no request.
  expect(onPrimary).toHaveLength(6);
  const replicate = stages.find(({ name }) => name === 'holdfast.replicate');
  for (const id of standbys) {
    expect(spansOf(id)).toMatchObject([
      {
        name: 'holdfast.append',
        traceId: put?.spanContext().traceId,
        parentSpanId: replicate?.spanId,
        attributes: { 'holdfast.node': id, 'holdfast.index': write?.attributes['holdfast.index'] },
      },
    ]);
  }
});
