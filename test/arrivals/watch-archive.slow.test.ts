import { afterAll, beforeAll, expect, it } from 'vitest';
import { createWatcher } from '../../src/arrivals/watch/watch.ts';
import { startWatching } from '../../src/arrivals/watch/watch-schedule.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { JobEngine } from '../../src/queue/job-engine.ts';
import { StudyQueue } from '../../src/queue/study-queue.ts';
import { isOwnResult, MANUFACTURER, MANUFACTURER_MODEL_NAME } from '../../src/results/own-results.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { describeArchives } from '../support/archives.ts';
import { PATIENCE } from '../support/patience.ts';
import { smallInstance } from '../support/small-instance.ts';

let database: Database;
let engine: JobEngine;
let queue: StudyQueue;

beforeAll(async () => {
  database = await openDatabase({ memory: true });
  engine = await JobEngine.open(database, raise);
  queue = await StudyQueue.open(engine);
});

function raise(error: Error): never {
  throw error;
}

afterAll(async () => {
  await queue.stop({ graceMs: 0 });
  await engine.stop();
  await database.close();
});

const QUIET = { info: () => {}, warn: () => {} };
const OWN = { Manufacturer: MANUFACTURER, ManufacturerModelName: MANUFACTURER_MODEL_NAME };
const COMPREHENSIVE_SR = '1.2.840.10008.5.1.4.1.1.88.33';

let archives = 0;

describeArchives('watching', (archive) => {
  const root = `2.25.77.${(archives += 1)}`;
  const [first, second] = [`${root}.1`, `${root}.2`];

  const watcher = () => {
    const client = new DicomWebClient({ url: archive.url });
    const settings = { lookBack: 'all', stableForMs: 0, pageSize: 1, now: () => new Date() } as const;
    const admit = async () => ({ action: 'process' }) as const;
    return createWatcher({ archive: client, database, queue, isOwnResult, admit, log: QUIET, ...settings });
  };
  const store = (study: string, series: number, instance: number, attributes = {}) =>
    new DicomWebClient({ url: archive.url }).storeVerified(study, [
      smallInstance(
        { study, series: `${study}.${series}`, sop: `${study}.${series}.${instance}` },
        attributes,
      ),
    ]);
  /** Takes the queued studies out, as a worker would. */
  const queuedByTwoPolls = async (): Promise<string[]> => {
    const polls = [await watcher().poll(), await watcher().poll()];
    await database.query('DELETE FROM pgboss.job');
    return polls.flatMap(({ queued }) => queued).sort();
  };

  it('finds every study, page by page, and queues it at the second look', async () => {
    for (const study of [first, second]) await store(study, 1, 1);
    const look = await watcher().poll();
    expect(look).toMatchObject({ studies: 2, queued: [], unstable: 2, errors: [] });
    expect(await queuedByTwoPolls()).toEqual([first, second]);
    expect(await queuedByTwoPolls()).toEqual([]);
  });

  it('opens a study again for a late instance, and for nothing that the node wrote', async () => {
    await store(first, 1, 2);
    await store(second, 9, 1, { ...OWN, Modality: 'SR', SOPClassUID: COMPREHENSIVE_SR });
    expect(await queuedByTwoPolls()).toEqual([first]);
    await store(second, 8, 1, { Manufacturer: 'Other', Modality: 'SR', SOPClassUID: COMPREHENSIVE_SR });
    expect(await queuedByTwoPolls()).toEqual([second]);
  });

  it('tells once that the archive is down, goes on, and tells once that it is back', async () => {
    await archive.halt();
    const messages: string[] = [];
    const write = (_fields: object, message: string): void => void messages.push(message);
    let polls = 0;
    const real = watcher();
    const poll = (signal?: AbortSignal) => {
      polls += 1;
      return real.poll(signal);
    };
    const watch = startWatching('* * * * * *', { ...real, poll }, { info: write, warn: write });
    await expect.poll(() => polls, PATIENCE).toBeGreaterThan(2);
    expect(messages).toEqual(['the archive cannot be polled; going on trying']);
    await archive.resume();
    await store(first, 1, 3);
    await expect.poll(() => messages, PATIENCE).toContain('study queued');
    await watch.stop();
    expect(messages).toEqual([
      'the archive cannot be polled; going on trying',
      'the archive can be polled again',
      'study queued',
    ]);
  });
});
