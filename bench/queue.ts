import path from 'node:path';
import { createWatcher } from '../src/arrivals/watch/watch.ts';
import { DicomWebClient } from '../src/dicom/web/client.ts';
import { OrthancChanges } from '../src/dicom/web/orthanc-changes.ts';
import { JobEngine } from '../src/queue/job-engine.ts';
import { requestStudy } from '../src/queue/request-study.ts';
import { StudyQueue } from '../src/queue/study-queue.ts';
import { workOnStudies } from '../src/queue/study-worker.ts';
import { isOwnResult } from '../src/results/own-results.ts';
import { openDatabase } from '../src/store/database/database.ts';
import { findStudies } from '../src/store/records/find-studies.ts';
import type { BenchPart, BenchRow } from './bench-row.ts';
import { startStandIn } from './orthanc-stand-in.ts';

/** What was promised for each, with so many studies queued. */
const LIMIT_MS = 50;
const QUEUED = 2_000;
const PAGE = { limit: 100, offset: 0 };

/** What the embedded database takes for the work that is done again and again, with many studies queued. */
export const benchQueue: BenchPart = async ({ quick, folder }) => {
  const [queued, repeats] = quick ? [50, 5] : [QUEUED, 200];
  const now = () => new Date();
  const orthanc = await startStandIn();
  const database = await openDatabase({ folder: path.join(folder, 'queue') });
  const engine = await JobEngine.open(database, (error) => {
    throw error;
  });
  const queue = await StudyQueue.open(engine);
  for (let place = 0; place < queued; place++) {
    const request = {
      studyInstanceUid: `1.2.3.${place}`,
      reason: 'watched',
      fingerprint: `f${place}`,
      now: now(),
    } as const;
    await requestStudy({ database, queue }, request);
  }
  const watcher = createWatcher({
    archive: new DicomWebClient({ url: `${orthanc.url}/dicom-web` }),
    changes: new OrthancChanges({ url: orthanc.url }),
    database,
    queue,
    isOwnResult,
    admit: async () => ({ action: 'process' }),
    lookBack: 'all',
    stableForMs: 60_000,
    pageSize: 100,
    now,
    log: { info: () => undefined, warn: () => undefined },
  });
  await watcher.poll();

  const rows: BenchRow[] = [];
  const report = (name: string, times: readonly number[]): void => {
    const sorted = times.toSorted((a, b) => a - b);
    const peer = { name: 'promised', value: LIMIT_MS };
    const what = `queue of ${queued}: ${name}`;
    rows.push(
      {
        name: `${what}, median of ${times.length}`,
        value: sorted[sorted.length >> 1] ?? 0,
        unit: 'ms',
        peer,
      },
      { name: `${what}, worst`, value: sorted.at(-1) ?? 0, unit: 'ms', peer },
    );
  };
  const measure = async (name: string, work: () => Promise<unknown>): Promise<void> => {
    const times: number[] = [];
    for (let turn = 0; turn < repeats; turn++) {
      const start = performance.now();
      await work();
      times.push(performance.now() - start);
    }
    report(name, times);
  };

  await measure('listing a page of 100 and the counts', async () => {
    await findStudies(database, {}, PAGE);
    await queue.counts();
  });
  await measure('listing those given up', () => queue.dead(PAGE));
  const day = now().toLocaleDateString('sv-SE').replaceAll('-', '');
  await measure('polling, a new study each time', async () => {
    orthanc.addStudy(day, 10);
    await watcher.poll();
  });
  report('taking a job, the one before settled', await timesBetweenJobs());

  await queue.stop({ graceMs: 0 });
  await engine.stop();
  await database.close();
  await orthanc.close();
  return rows;

  /** From the end of the work on a study to the beginning of that on the next. */
  async function timesBetweenJobs(): Promise<number[]> {
    const times: number[] = [];
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    let ended: number | undefined;
    workOnStudies({
      database,
      queue,
      concurrency: 1,
      now,
      log: { warn: () => undefined },
      run: async () => {
        if (ended !== undefined) times.push(performance.now() - ended);
        if (times.length >= Math.min(repeats, queued / 2)) resolve();
        ended = performance.now();
      },
    });
    await enough;
    return times;
  }
};
