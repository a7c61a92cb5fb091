import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createWatcher, type PollSummary } from '../../src/arrivals/watch/watch.ts';
import { startWatching } from '../../src/arrivals/watch/watch-schedule.ts';
import { DicomError } from '../../src/dicom/dicom-error.ts';
import { DicomWebStatusError } from '../../src/dicom/web/errors.ts';
import { JobEngine } from '../../src/queue/job-engine.ts';
import { StudyQueue } from '../../src/queue/study-queue.ts';
import { isOwnResult, MANUFACTURER, MANUFACTURER_MODEL_NAME } from '../../src/results/own-results.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { fingerprintOf, foreignSeries, recordResultSeries } from '../../src/store/records/own-series.ts';
import { beginRun, finishRun } from '../../src/store/records/run-log.ts';
import { markRunning } from '../../src/store/records/study-log.ts';
import { WatchedArchive, type WatchedSeries } from '../support/watched-archive.ts';

/** A new database takes seconds to make, more on a machine with other work. */
const DATABASE_MS = 120_000;

let database: Database;
let engine: JobEngine;
let queue: StudyQueue;

beforeAll(async () => {
  database = await openDatabase({ memory: true });
  engine = await JobEngine.open(database, raise);
  queue = await StudyQueue.open(engine);
}, DATABASE_MS);

// What one test left unfinished is nothing for the next one's archive.
beforeEach(async () => void (await database.query('DELETE FROM pansegnet.announcement')));

function raise(error: Error): never {
  throw error;
}

afterAll(async () => {
  await queue.stop({ graceMs: 0 });
  await engine.stop();
  await database.close();
});

const QUIET = { info: () => {}, warn: () => {} };
const EQUIPMENT = { Manufacturer: MANUFACTURER, ManufacturerModelName: MANUFACTURER_MODEL_NAME };

let places = 0;

/** A watcher on an archive of its own, with a clock that the test moves. */
function setUp({ stableForMs = 0 }: { stableForMs?: number } = {}) {
  const place = `1.2.${(places += 1)}`;
  const archive = new WatchedArchive();
  const clock = { time: Date.UTC(2026, 2, 4) };
  const newWatcher = () =>
    createWatcher({
      archive,
      database,
      queue,
      isOwnResult,
      lookBack: 'all',
      stableForMs,
      pageSize: 100,
      now: () => new Date(clock.time),
      admit: async () => ({ action: 'process' }),
      log: QUIET,
    });
  const watcher = newWatcher();
  const queuedBy = async (): Promise<readonly string[]> => (await watcher.poll()).queued;
  /** Adds a study with one CT series. */
  const addStudy = (name = 'study'): { uid: string; series: WatchedSeries[] } => {
    const uid = `${place}.${name}`;
    const series: WatchedSeries[] = [{ uid: `${uid}.ct`, count: 3 }];
    archive.studies.set(uid, series);
    return { uid, series };
  };
  return { archive, clock, watcher, newWatcher, queuedBy, addStudy };
}

describe('a poll', () => {
  it('queues a study when it sees the same counts for the second time, and never again', async () => {
    const { addStudy, queuedBy } = setUp();
    const { uid } = addStudy();
    expect([await queuedBy(), await queuedBy(), await queuedBy(), await queuedBy()]).toEqual([
      [],
      [uid],
      [],
      [],
    ]);
  });

  it('waits until the counts have been the same for the configured time', async () => {
    const { addStudy, queuedBy, clock } = setUp({ stableForMs: 60_000 });
    const { uid, series } = addStudy();
    expect(await queuedBy()).toEqual([]);
    clock.time += 59_999;
    expect(await queuedBy()).toEqual([]);
    series.push({ uid: `${uid}.late`, count: 1 });
    clock.time += 1;
    expect(await queuedBy()).toEqual([]);
    clock.time += 59_999;
    expect(await queuedBy()).toEqual([]);
    clock.time += 1;
    expect(await queuedBy()).toEqual([uid]);
  });

  it('of an archive that does not list everything fails, and what it lists is queued all the same', async () => {
    const { addStudy, archive, watcher } = setUp();
    const { uid } = addStudy();
    archive.listsNotAll = true;
    const queued: (readonly string[])[] = [];
    for (let i = 0; i < 2; i++) {
      await expect(watcher.poll()).rejects.toThrow('not all studies were given');
      queued.push((await watcher.lookAtDue()).queued);
    }
    expect(queued).toEqual([[], [uid]]);
  });

  it('remembers what it saw when the node starts again', async () => {
    const { addStudy, watcher, newWatcher } = setUp();
    const { uid } = addStudy();
    await watcher.poll();
    expect((await newWatcher().poll()).queued).toEqual([uid]);
    expect((await newWatcher().poll()).queued).toEqual([]);
  });

  it('opens a study again for a late series, a late instance and one that was taken away', async () => {
    const { addStudy, queuedBy } = setUp();
    const { uid, series } = addStudy();
    const changes = [
      () => series.push({ uid: `${uid}.late`, count: 5 }),
      () => Object.assign(series[0] ?? {}, { count: 4 }),
      () => series.pop(),
    ];
    await queuedBy();
    await queuedBy();
    for (const change of changes) {
      await finishQueued(uid);
      change();
      expect([await queuedBy(), await queuedBy(), await queuedBy()]).toEqual([[], [uid], []]);
    }
  });

  it('takes no notice of the order in which the archive lists the series', async () => {
    const { addStudy, queuedBy } = setUp();
    const { uid, series } = addStudy();
    series.push({ uid: `${uid}.second`, count: 5 });
    await queuedBy();
    series.reverse();
    expect(await queuedBy()).toEqual([uid]);
    series.reverse();
    expect(await queuedBy()).toEqual([]);
  });

  it('does not queue what a run has seen already', async () => {
    const { addStudy, queuedBy, archive } = setUp();
    const { uid, series } = addStudy();
    await queuedBy();
    await queuedBy();
    series.push({ uid: `${uid}.late`, count: 5 });
    await finishQueued(uid, fingerprintOf(await archive.searchSeries(uid)));
    expect([await queuedBy(), await queuedBy()]).toEqual([[], []]);
  });

  it('is not moved by results, recorded or only recognized', async () => {
    const { addStudy, queuedBy, archive } = setUp();
    const { uid, series } = addStudy();
    await queuedBy();
    await queuedBy();
    const seg = {
      studyInstanceUid: uid,
      seriesInstanceUid: `${uid}.seg`,
      sopInstanceUid: 'x',
      kind: 'SEG',
    } as const;
    await recordResultSeries(database, [seg], new Date());
    series.push({ uid: seg.seriesInstanceUid, modality: 'SEG', count: 1 });
    series.push({ uid: `${uid}.sr`, modality: 'SR', count: 1, equipment: EQUIPMENT });
    expect([await queuedBy(), await queuedBy()]).toEqual([[], []]);
    expect(archive.asked).toEqual([`${uid}.sr`]);
  });

  it('is moved by a SEG of somebody else', async () => {
    const { addStudy, queuedBy, archive } = setUp();
    const { uid, series } = addStudy();
    await queuedBy();
    await queuedBy();
    await finishQueued(uid);
    series.push({ uid: `${uid}.seg`, modality: 'SEG', count: 1, equipment: { Manufacturer: 'Other' } });
    expect([await queuedBy(), await queuedBy()]).toEqual([[], [uid]]);
    expect(archive.asked).toEqual([`${uid}.seg`]);
  });

  it('never queues a study that holds nothing but results', async () => {
    const { addStudy, queuedBy } = setUp();
    const { uid, series } = addStudy();
    series.splice(0, 1, { uid: `${uid}.sr`, modality: 'SR', count: 1, equipment: EQUIPMENT });
    expect([await queuedBy(), await queuedBy()]).toEqual([[], []]);
  });

  it('goes on with the others where one study cannot be looked at, and tells which', async () => {
    const { addStudy, watcher, archive } = setUp();
    const [ill, broken, well] = [addStudy('ill'), addStudy('broken'), addStudy('well')];
    archive.down.add(ill.uid);
    Object.assign(broken.series[0] ?? {}, { count: undefined });
    const first = await watcher.poll();
    // Those that failed are left alone for a while.
    expect(await watcher.poll()).toMatchObject({ studies: 3, queued: [well.uid], errors: [] });
    const errors = new Map(first.errors.map(({ studyInstanceUid, error }) => [studyInstanceUid, error]));
    expect([...errors.keys()].sort()).toEqual([broken.uid, ill.uid]);
    expect(errors.get(broken.uid)).toMatchObject({
      code: 'DICOM_ATTRIBUTE',
      message: expect.stringContaining('NumberOfSeriesRelatedInstances'),
    });
  });

  it('gives up with the error of the archive where it does not answer, before or during the poll', async () => {
    const { addStudy, watcher, archive } = setUp();
    archive.allDown = true;
    await expect(watcher.poll()).rejects.toMatchObject({ code: 'DICOM_WEB_UNREACHABLE' });
    archive.allDown = false;
    for (const name of ['a', 'b', 'c', 'd']) addStudy(name);
    archive.duringLook = async () => {
      archive.allDown = true;
      throw new DicomError('DICOM_WEB_UNREACHABLE', 'connection refused');
    };
    await expect(watcher.poll()).rejects.toMatchObject({ code: 'DICOM_WEB_UNREACHABLE' });
  });

  it('goes on where the archive answers, whatever number of studies it cannot serve', async () => {
    const { addStudy, watcher, archive } = setUp();
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) archive.down.add(addStudy(name).uid);
    const { uid } = addStudy('well');
    await watcher.poll();
    expect(await watcher.poll()).toMatchObject({ queued: [uid] });
  });
});

it('asks once whose a series is, and keeps the others for the run', async () => {
  const { addStudy, archive } = setUp();
  const { uid, series } = addStudy();
  series.push({ uid: `${uid}.sr`, modality: 'SR', count: 1, equipment: EQUIPMENT });
  const own = {
    database,
    seriesMetadata: (study: string, each: string) => archive.seriesMetadata(study, each),
    isOwnResult,
  };
  for (let look = 0; look < 2; look += 1) {
    const foreign = await foreignSeries(own, uid, await archive.searchSeries(uid));
    expect(foreign.map((each) => each['SeriesInstanceUID'])).toEqual([`${uid}.ct`]);
  }
  expect(archive.asked).toEqual([`${uid}.sr`]);
});

function summaryOf(other: Partial<PollSummary> = {}): PollSummary {
  return { studies: 1, looked: [], queued: [], unstable: 0, ignored: [], later: 0, errors: [], ...other };
}

describe('the schedule', () => {
  const EVERY_SECOND = '* * * * * *';
  const NOTHING_DUE = { msUntilDue: async () => undefined, lookAtDue: async () => summaryOf() };

  /** Runs polls that answer, turn by turn, with what is given, and gives the messages that were logged. */
  async function logOf(turns: readonly (PollSummary | Error)[]): Promise<string[]> {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const messages: string[] = [];
    const write = (_fields: object, message: string): void => void messages.push(message);
    let turn = 0;
    const poll = async () => {
      const answer = turns[Math.min(turn, turns.length - 1)];
      turn += 1;
      if (answer instanceof Error || !answer) throw answer;
      return answer;
    };
    const watch = startWatching(EVERY_SECOND, { ...NOTHING_DUE, poll }, { info: write, warn: write });
    await vi.advanceTimersByTimeAsync(turns.length * 1000);
    await watch.stop();
    vi.useRealTimers();
    expect(turn).toBeGreaterThanOrEqual(turns.length);
    return messages;
  }

  it('polls at once and then on schedule, and tells once that the archive is down and once that it is back', async () => {
    const down = new Error('connection refused');
    expect(await logOf([summaryOf(), down, down, down, summaryOf(), summaryOf()])).toEqual([
      'the archive cannot be polled; going on trying',
      'the archive can be polled again',
    ]);
  });

  it('leaves an archive alone that asks for it, for as long as it asks', async () => {
    const busy = new DicomWebStatusError('http://archive', 503, '5');
    const times: number[] = [];
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const poll = async () => {
      times.push(Math.round(Date.now() / 1000));
      if (times.length === 1) throw busy;
      return summaryOf();
    };
    const watch = startWatching(EVERY_SECOND, { ...NOTHING_DUE, poll }, QUIET);
    await vi.advanceTimersByTimeAsync(8_000);
    await watch.stop();
    vi.useRealTimers();
    const [first = 0, second = 0, third = 0] = times;
    expect(second - first).toBeGreaterThanOrEqual(5);
    expect(third - second).toBe(1);
  });

  it('stops at once while it leaves an archive alone', async () => {
    const poll = async () => {
      throw new DicomWebStatusError('http://archive', 429, '3600');
    };
    const { promise: refused, resolve } = Promise.withResolvers<void>();
    const watch = startWatching(EVERY_SECOND, { ...NOTHING_DUE, poll }, { ...QUIET, warn: () => resolve() });
    await refused;
    await expect(watch.stop()).resolves.toBeUndefined();
  });

  it('looks at an announced study when it is due, without waiting for the next poll', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const started = Date.now();
    const looks: number[] = [];
    const watcher = {
      poll: async () => summaryOf(),
      msUntilDue: async () => (looks.length === 0 ? Math.max(0, started + 700 - Date.now()) : undefined),
      lookAtDue: async () => {
        looks.push(Date.now() - started);
        return summaryOf();
      },
    };
    const watch = startWatching('0 0 0 29 2 *', watcher, QUIET);
    await vi.advanceTimersByTimeAsync(10_000);
    await watch.stop();
    vi.useRealTimers();
    expect(looks).toEqual([700]);
  });

  it('tells once of a study that cannot be looked at', async () => {
    const ill = summaryOf({ errors: [{ studyInstanceUid: '1.2.3', error: new Error('no counts') }] });
    expect(await logOf([ill, ill, ill, summaryOf({ looked: ['1.2.3'] }), ill])).toEqual([
      'a study cannot be looked at',
      'a study cannot be looked at',
    ]);
  });

  it('never starts a poll while one is under way, and stop aborts and awaits it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    let polls = 0;
    let ended = false;
    const poll = (signal: AbortSignal): Promise<PollSummary> => {
      polls += 1;
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          ended = true;
          reject(signal.reason);
        });
      });
    };
    const messages: string[] = [];
    const write = (_fields: object, message: string): void => void messages.push(message);
    const watch = startWatching(EVERY_SECOND, { ...NOTHING_DUE, poll }, { info: write, warn: write });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(polls).toBe(1);
    await watch.stop();
    vi.useRealTimers();
    expect(ended).toBe(true);
    expect(messages).toEqual([]);
  });
});

/** What the worker does with the one job of a study: it takes it, works, and is done. */
async function finishQueued(studyInstanceUid: string, fingerprint = 'as it was'): Promise<void> {
  const now = new Date();
  await database.query('DELETE FROM pgboss.job WHERE singleton_key = $1', [studyInstanceUid]);
  await markRunning(database, { studyInstanceUid, now });
  const run = await beginRun(database, { studyInstanceUid, fingerprint, requestId: 'arrival', now });
  await finishRun(database, run, { outcome: 'done', now });
}
