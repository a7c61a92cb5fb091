import { createWatcher } from '../src/arrivals/watch/watch.ts';
import { DicomWebClient } from '../src/dicom/web/client.ts';
import { OrthancChanges } from '../src/dicom/web/orthanc-changes.ts';
import { JobEngine } from '../src/queue/job-engine.ts';
import { StudyQueue } from '../src/queue/study-queue.ts';
import { isOwnResult } from '../src/results/own-results.ts';
import { openDatabase } from '../src/store/database/database.ts';
import type { BenchPart, BenchRow } from './bench-row.ts';
import { type StandIn, startStandIn } from './orthanc-stand-in.ts';

const DAY_MS = 24 * 3_600_000;
const LOOK_BACK_DAYS = 7;
const NEW_STUDIES = 5;
const NEW_INSTANCES = 300;
const PAGE_SIZE = 100;

/** What a poll costs in an archive of many studies: by Orthanc's list of changes, and by QIDO-RS. */
export const benchWatch: BenchPart = async ({ quick }) => {
  const studies = quick ? 300 : 10_000;
  const perDay = quick ? 10 : 50;
  const now = new Date();
  const orthanc = await startStandIn();
  const dayOf = (back: number) =>
    new Date(now.getTime() - back * DAY_MS).toLocaleDateString('sv-SE').replaceAll('-', '');
  for (let study = studies; study > 0; study -= 1) orthanc.addStudy(dayOf(Math.ceil(study / perDay)), 10);

  const rows: BenchRow[] = [];
  const measure = async (name: string, work: () => Promise<unknown>): Promise<void> => {
    orthanc.takeRequests();
    const start = performance.now();
    await work();
    rows.push({ name: `watch: ${name}`, value: performance.now() - start, unit: 'ms' });
    rows.push({ name: `watch: ${name}`, value: orthanc.takeRequests(), unit: 'requests' });
  };

  for (const [name, lookBack, follow] of [
    ['/changes', 'all', true],
    [`QIDO, ${LOOK_BACK_DAYS} days of ${perDay} studies`, LOOK_BACK_DAYS, false],
    [`QIDO, all ${studies} studies`, 'all', false],
  ] as const) {
    const watch = await openWatch(orthanc, { lookBack, follow, now });
    // The first poll lists everything; the looks that follow it are taken as done.
    await watch.poll();
    await watch.forgetAnnouncements();
    await measure(`poll by ${name}, nothing new`, () => watch.poll());
    for (let study = 0; study < NEW_STUDIES; study += 1) orthanc.addStudy(dayOf(0), NEW_INSTANCES);
    await measure(`poll by ${name}, ${NEW_STUDIES} new studies of ${NEW_INSTANCES}`, () => watch.poll());
    await watch.close();
  }
  await orthanc.close();
  return rows;
};

async function openWatch(
  { url }: StandIn,
  { lookBack, follow, now }: { lookBack: number | 'all'; follow: boolean; now: Date },
) {
  const database = await openDatabase({ memory: true });
  const engine = await JobEngine.open(database, (error) => {
    throw error;
  });
  const queue = await StudyQueue.open(engine);
  const watcher = createWatcher({
    archive: new DicomWebClient({ url: `${url}/dicom-web` }),
    ...(follow ? { changes: new OrthancChanges({ url }) } : {}),
    database,
    queue,
    isOwnResult,
    admit: async () => ({ action: 'process' }),
    lookBack,
    stableForMs: 60_000,
    pageSize: PAGE_SIZE,
    now: () => now,
    log: { info: () => {}, warn: () => {} },
  });
  return {
    poll: () => watcher.poll(),
    forgetAnnouncements: () => database.query('DELETE FROM pansegnet.announcement'),
    close: async () => {
      await queue.stop({ graceMs: 0 });
      await engine.stop();
      await database.close();
    },
  };
}
