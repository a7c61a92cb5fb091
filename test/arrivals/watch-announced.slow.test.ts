import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { StudyInQuestion } from '../../src/arrivals/routing/admission.ts';
import type { Admission } from '../../src/arrivals/routing/route.ts';
import type { ChangeSource } from '../../src/arrivals/watch/changes.ts';
import type { LookLimits } from '../../src/arrivals/watch/look-turn.ts';
import { createWatcher, type LookSummary } from '../../src/arrivals/watch/watch.ts';
import { DicomWebStatusError } from '../../src/dicom/web/errors.ts';
import type { ChangedStudy, OrthancChange } from '../../src/dicom/web/orthanc-changes.ts';
import { JobEngine } from '../../src/queue/job-engine.ts';
import { setQueueMode } from '../../src/queue/queue-mode.ts';
import { requeueStudy } from '../../src/queue/request-study.ts';
import { StudyQueue } from '../../src/queue/study-queue.ts';
import { isOwnResult } from '../../src/results/own-results.ts';
import { type AnnouncementSource, announceStudy, nextDue } from '../../src/store/arrivals/announcements.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { recordResultSeries } from '../../src/store/records/own-series.ts';
import { findStudy } from '../../src/store/records/study-log.ts';
import { WatchedArchive } from '../support/watched-archive.ts';

const DATABASE_MS = 120_000;
const MINUTE_MS = 60_000;

let database: Database;
let engine: JobEngine;
let queue: StudyQueue;

beforeAll(async () => {
  database = await openDatabase({ memory: true });
  engine = await JobEngine.open(database, raise);
  queue = await StudyQueue.open(engine);
}, DATABASE_MS);

beforeEach(async () => {
  for (const table of ['announcement', 'listed_study', 'change_position'])
    await database.query(`DELETE FROM pansegnet.${table}`);
});

function raise(error: Error): never {
  throw error;
}

afterAll(async () => {
  await queue.stop({ graceMs: 0 });
  await engine.stop();
  await database.close();
});

/** Orthanc's list of changes, and how often it was asked. */
class Changes implements ChangeSource {
  readonly url: string;
  entries: OrthancChange[] = [];
  readonly studies = new Map<string, string>();
  requests = 0;

  constructor(url: string) {
    this.url = url;
  }

  add(sequence: number, type: string, id: string, study: string): void {
    this.entries.push({ sequence, type, id, entry: `${sequence} ${type} ${id}` });
    this.studies.set(id, study);
  }

  async newest(): Promise<OrthancChange | undefined> {
    this.requests += 1;
    return this.entries.at(-1);
  }

  async since(sequence: number, limit: number) {
    this.requests += 1;
    const after = this.entries.filter((change) => change.sequence > sequence);
    const changes = after.slice(0, limit);
    return { changes, done: changes.length === after.length, last: changes.at(-1)?.sequence ?? 0 };
  }

  async studiesOf(ids: readonly string[]): Promise<ChangedStudy[]> {
    this.requests += 1;
    const uids = new Set(ids.flatMap((id) => this.studies.get(id) ?? []));
    return [...uids].map((studyInstanceUid) => ({ studyInstanceUid }));
  }
}

let places = 0;

function setUp({
  stableForMs = MINUTE_MS,
  admit = async (_study: StudyInQuestion): Promise<Admission> => ({ action: 'process' }),
  follow = false,
  lookLimits = undefined as LookLimits | undefined,
} = {}) {
  const place = `1.2.${(places += 1)}`;
  const archive = new WatchedArchive();
  const changes = new Changes(`http://orthanc-${places}`);
  const clock = { time: Date.UTC(2026, 2, 4, 12) };
  const now = () => new Date(clock.time);
  const said: string[] = [];
  const log = {
    info: (_fields: object, message: string) => void said.push(message),
    warn: (_fields: object, message: string) => void said.push(message),
  };
  const watcher = createWatcher({
    archive,
    database,
    queue,
    isOwnResult,
    admit,
    ...(follow ? { changes } : {}),
    lookBack: 'all',
    stableForMs,
    pageSize: 2,
    now,
    log,
    lookLimits,
  });
  const announce = (studyInstanceUid: string, source: AnnouncementSource = { kind: 'stow' }) =>
    announceStudy(database, { studyInstanceUid, source, now: now() });
  const addStudy = (name = 'study', count = 3): string => {
    const uid = `${place}.${name}`;
    archive.studies.set(uid, [{ uid: `${uid}.ct`, count }]);
    return uid;
  };
  /** Lets the time come when the next announced study is due, and looks. */
  const lookWhenDue = async (): Promise<LookSummary> => {
    clock.time += (await watcher.msUntilDue()) ?? 0;
    return watcher.lookAtDue();
  };
  return { archive, changes, clock, watcher, said, announce, addStudy, lookWhenDue };
}

describe('an announced study', () => {
  it('is queued when two looks, as far apart as configured, find the same counts', async () => {
    const { addStudy, announce, lookWhenDue, clock, watcher } = setUp();
    const uid = addStudy();
    await announce(uid);
    const started = clock.time;
    expect(await lookWhenDue()).toMatchObject({ looked: [uid], queued: [], unstable: 1 });
    const firstLook = clock.time;
    expect(firstLook - started).toBeLessThanOrEqual(1_000);
    clock.time = firstLook + MINUTE_MS - 1;
    expect(await watcher.lookAtDue()).toMatchObject({ looked: [] });
    clock.time += 1;
    expect(await watcher.lookAtDue()).toMatchObject({ queued: [uid] });
    expect(await watcher.msUntilDue()).toBeUndefined();
  });

  it('costs one look while its instances arrive one after the other', async () => {
    const { addStudy, announce, archive, clock, watcher, lookWhenDue } = setUp();
    const uid = addStudy();
    for (let instance = 0; instance < 20; instance += 1) {
      await announce(uid);
      clock.time += 100;
      await watcher.lookAtDue();
    }
    expect(archive.looked).toEqual([]);
    await lookWhenDue();
    expect(archive.looked).toEqual([uid]);
  });

  it('waits anew when an instance arrived between two looks', async () => {
    const { addStudy, announce, archive, lookWhenDue } = setUp();
    const uid = addStudy();
    await announce(uid);
    await lookWhenDue();
    archive.studies.set(uid, [{ uid: `${uid}.ct`, count: 4 }]);
    expect(await lookWhenDue()).toMatchObject({ queued: [], unstable: 1 });
    expect(await lookWhenDue()).toMatchObject({ queued: [uid] });
  });

  it('is looked at again when it is announced during the look that settles it', async () => {
    const { addStudy, announce, archive, lookWhenDue } = setUp();
    const uid = addStudy();
    await announce(uid);
    await lookWhenDue();
    archive.duringLook = async () => {
      archive.duringLook = undefined;
      archive.studies.set(uid, [{ uid: `${uid}.ct`, count: 4 }]);
      await announce(uid);
    };
    expect(await lookWhenDue()).toMatchObject({ queued: [uid] });
    await database.query('DELETE FROM pgboss.job');
    expect(await lookWhenDue()).toMatchObject({ unstable: 1 });
    expect(await lookWhenDue()).toMatchObject({ queued: [uid] });
  });

  it('is known to the next process', async () => {
    const { addStudy, announce, archive, clock } = setUp();
    const uid = addStudy();
    await announce(uid);
    const next = setUp({ stableForMs: 0 });
    next.archive.studies.set(uid, archive.studies.get(uid) ?? []);
    next.clock.time = clock.time;
    await next.lookWhenDue();
    expect(await next.lookWhenDue()).toMatchObject({ queued: [uid] });
  });

  it('is processed once when it is announced, received and listed', async () => {
    const { addStudy, announce, watcher, clock, lookWhenDue } = setUp();
    const uid = addStudy();
    await announce(uid, { kind: 'stow' });
    await announce(uid, { kind: 'notify' });
    const queued: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      queued.push(...(await watcher.poll()).queued, ...(await lookWhenDue()).queued);
      await announce(uid, { kind: 'notify' });
      clock.time += MINUTE_MS;
    }
    expect(queued).toEqual([uid]);
  });

  it('keeps the source that says the most of who sent it, for late instances too', async () => {
    const sources: AnnouncementSource[] = [];
    const { addStudy, announce, archive, watcher, lookWhenDue } = setUp({
      stableForMs: 0,
      admit: async ({ source }) => {
        sources.push(source);
        return { action: 'process' };
      },
    });
    const uid = addStudy();
    await announce(uid, { kind: 'dimse', callingAeTitle: 'CT1' });
    await watcher.poll();
    await lookWhenDue();
    archive.studies.set(uid, [{ uid: `${uid}.ct`, count: 4 }]);
    await watcher.poll();
    await lookWhenDue();
    const sender = { kind: 'dimse', callingAeTitle: 'CT1' };
    expect(sources).toEqual([sender, sender]);
  });

  it('that is not to be processed is recorded as skipped with the reason, and not asked about again', async () => {
    const { addStudy, announce, lookWhenDue, watcher, archive } = setUp({
      stableForMs: 0,
      admit: async () => ({ action: 'ignore', reason: 'routing rule "children": not to be processed' }),
    });
    const uid = addStudy();
    await announce(uid);
    await lookWhenDue();
    expect(await lookWhenDue()).toMatchObject({ queued: [], ignored: [uid] });
    const reason = 'routing rule "children": not to be processed';
    expect(await findStudy(database, uid)).toMatchObject({ state: 'skipped', reason });
    expect(await watcher.poll()).toMatchObject({ ignored: [], queued: [] });
    archive.studies.set(uid, [{ uid: `${uid}.ct`, count: 4 }]);
    await watcher.poll();
    expect(await watcher.poll()).toMatchObject({ ignored: [uid] });
  });

  it('that was not to be processed is asked about again when more becomes known of its sender', async () => {
    const { addStudy, announce, lookWhenDue } = setUp({
      stableForMs: 0,
      admit: async ({ source }) =>
        source.callingAeTitle === 'CT1' ? { action: 'process' } : { action: 'ignore', reason: 'not CT1' },
    });
    const uid = addStudy();
    await announce(uid, { kind: 'poll' });
    await lookWhenDue();
    expect(await lookWhenDue()).toMatchObject({ ignored: [uid] });
    await announce(uid, { kind: 'dimse', callingAeTitle: 'CT1' });
    expect(await lookWhenDue()).toMatchObject({ queued: [uid] });
    await announce(uid, { kind: 'dimse', callingAeTitle: 'CT2' });
    expect(await lookWhenDue()).toMatchObject({ queued: [], ignored: [] });
  });

  it('that has to wait for a time is looked at then, and says so', async () => {
    const until = new Date(Date.UTC(2026, 2, 4, 19));
    let answer: Admission = { action: 'later', until, reason: 'waits for the evening' };
    const { addStudy, announce, lookWhenDue, clock } = setUp({ stableForMs: 0, admit: async () => answer });
    const uid = addStudy();
    await announce(uid);
    await lookWhenDue();
    expect(await lookWhenDue()).toMatchObject({ queued: [], later: 1 });
    expect(await findStudy(database, uid)).toMatchObject({ state: 'seen', reason: 'waits for the evening' });
    answer = { action: 'process' };
    expect(await lookWhenDue()).toMatchObject({ queued: [uid] });
    expect(clock.time).toBe(until.getTime());
  });

  it('that the archive does not have is looked for a while with growing pauses, then given up with a reason', async () => {
    const { announce, lookWhenDue, watcher, clock, said, archive } = setUp();
    const uid = `1.2.${places}.nowhere`;
    await announce(uid);
    const started = clock.time;
    while ((await watcher.msUntilDue()) !== undefined) await lookWhenDue();
    expect(archive.looked).toHaveLength(12);
    expect(clock.time - started).toBeGreaterThan(30 * MINUTE_MS);
    expect(said).toEqual(['a study was announced, but is not in the archive']);
    expect(await findStudy(database, uid)).toMatchObject({ state: 'skipped' });
  });

  it('waits while the archive is down, and is not forgotten', async () => {
    const { addStudy, announce, archive, lookWhenDue } = setUp({ stableForMs: 0 });
    const uid = addStudy();
    await announce(uid);
    archive.allDown = true;
    for (let look = 0; look < 30; look += 1) {
      expect(await lookWhenDue()).toMatchObject({ looked: [], errors: [{ studyInstanceUid: uid }] });
    }
    archive.allDown = false;
    await lookWhenDue();
    expect(await lookWhenDue()).toMatchObject({ queued: [uid] });
  });

  it('waits for as long as the archive asks to be left alone', async () => {
    const { addStudy, announce, archive, lookWhenDue, clock } = setUp();
    const uid = addStudy();
    await announce(uid);
    archive.duringLook = async () => {
      archive.duringLook = undefined;
      throw new DicomWebStatusError('http://archive', 429, '900');
    };
    await lookWhenDue();
    const refused = clock.time;
    expect(await lookWhenDue()).toMatchObject({ looked: [uid] });
    expect(clock.time - refused).toBe(15 * MINUTE_MS);
  });

  it('waits while the queue is drained', async () => {
    const { addStudy, announce, lookWhenDue } = setUp({ stableForMs: 0 });
    const uid = addStudy();
    await announce(uid);
    await setQueueMode(database, 'draining');
    await lookWhenDue();
    for (let look = 0; look < 3; look += 1) expect(await lookWhenDue()).toMatchObject({ later: 1 });
    await setQueueMode(database, 'running');
    expect(await lookWhenDue()).toMatchObject({ queued: [uid] });
  });
});

/** So short that a test can wait for it; the real limits are above any answer of a working archive. */
const SHORT_LOOKS: LookLimits = { firstMs: 100, laterMs: 100, healthMs: 5_000, turnMs: 30_000 };

describe('a study that the archive cannot serve', () => {
  it('holds up no other study', async () => {
    const { addStudy, announce, archive, lookWhenDue } = setUp({ stableForMs: 0, lookLimits: SHORT_LOOKS });
    const ill = ['a', 'b', 'c', 'd', 'e'].map((name) => addStudy(name));
    const well = addStudy('z');
    for (const uid of ill) archive.silent.add(uid);
    for (const uid of [...ill, well]) await announce(uid);
    const { looked, errors } = await lookWhenDue();
    expect(looked).toEqual([well]);
    expect(errors.map(({ studyInstanceUid }) => studyInstanceUid).toSorted()).toEqual(ill);
    expect(errors[0]?.error).toMatchObject({
      code: 'DICOM_WEB_UNREACHABLE',
      message: 'the archive did not say within 0.1 s what is in the study',
    });
    expect(await lookWhenDue()).toMatchObject({ queued: [well] });
  });

  it('is looked at after growing pauses, then given up where people see it, and looked at all the same', async () => {
    const { addStudy, announce, archive, lookWhenDue, clock, said } = setUp({ stableForMs: 0 });
    const uid = addStudy();
    archive.down.add(uid);
    await announce(uid);
    const looks: number[] = [];
    for (let look = 0; look < 10; look += 1) {
      await lookWhenDue();
      looks.push(clock.time);
    }
    const pauses = looks.slice(1).map((time, index) => (time - (looks[index] ?? 0)) / 1000);
    expect(pauses).toEqual([5, 10, 20, 40, 80, 160, 320, 21_600, 21_600]);
    const failure = {
      code: 'DICOM_WEB_UNREACHABLE',
      reason: 'it cannot be looked at: connection refused',
    };
    expect(await findStudy(database, uid)).toMatchObject({ state: 'failed', reason: failure.reason });
    const ofStudy = (one: { studyInstanceUid: string }) => one.studyInstanceUid === uid;
    expect((await queue.dead({ limit: 100, offset: 0 })).filter(ofStudy)).toMatchObject([
      { ...failure, tries: 8 },
    ]);
    expect(said).toEqual(['a study is given up, as it cannot be looked at']);
    archive.down.delete(uid);
    await lookWhenDue();
    expect(await findStudy(database, uid)).toMatchObject({ state: 'seen', reason: undefined });
    expect((await queue.dead({ limit: 100, offset: 0 })).filter(ofStudy)).toEqual([]);
    expect(await lookWhenDue()).toMatchObject({ queued: [uid] });
  });

  it('that was given up can be put in the queue by a person', async () => {
    const { addStudy, announce, archive, lookWhenDue, clock } = setUp({ stableForMs: 0 });
    const uid = addStudy();
    archive.down.add(uid);
    await announce(uid);
    for (let look = 0; look < 8; look += 1) await lookWhenDue();
    const request = { studyInstanceUid: uid, now: new Date(clock.time) };
    expect(await requeueStudy({ database, queue }, request)).toBe(true);
    expect(await findStudy(database, uid)).toMatchObject({ state: 'queued' });
    expect(await requeueStudy({ database, queue }, request)).toBe(false);
  });

  it('keeps its pause where a list without counts names it, and is looked at at once where it is announced', async () => {
    const { addStudy, announce, archive, watcher, clock } = setUp({ stableForMs: 0 });
    const uid = addStudy();
    archive.down.add(uid);
    await watcher.poll();
    clock.time += 5_000;
    await watcher.poll();
    archive.looked.length = 0;
    clock.time += 9_000;
    await watcher.poll();
    expect(archive.looked).toEqual([]);
    await announce(uid);
    clock.time += 1_000;
    await watcher.lookAtDue();
    expect(archive.looked).toEqual([uid]);
  });

  it('is not blamed while the archive answers nobody', async () => {
    const { addStudy, announce, archive, lookWhenDue } = setUp({ stableForMs: 0 });
    const uid = addStudy();
    await announce(uid);
    archive.allDown = true;
    for (let look = 0; look < 20; look += 1) await lookWhenDue();
    expect(await findStudy(database, uid)).toBeUndefined();
  });
});

describe('a QIDO poll', () => {
  it('asks for the series of studies only whose counts are new', async () => {
    const { addStudy, archive, watcher } = setUp({ stableForMs: 0 });
    archive.counts = true;
    const studies = ['a', 'b', 'c', 'd', 'e'].map((name) => addStudy(name));
    await watcher.poll();
    expect((await watcher.poll()).queued.toSorted()).toEqual(studies);
    archive.looked.length = 0;
    expect(await watcher.poll()).toMatchObject({ studies: 5, looked: [] });
    const [first = ''] = studies;
    archive.studies.set(first, [{ uid: `${first}.ct`, count: 4 }]);
    await watcher.poll();
    expect(await watcher.poll()).toMatchObject({ studies: 5 });
    expect(new Set(archive.looked)).toEqual(new Set([first]));
  });

  it('costs one look for what the node itself wrote', async () => {
    const { addStudy, archive, watcher } = setUp({ stableForMs: 0 });
    archive.counts = true;
    const uid = addStudy();
    await watcher.poll();
    await watcher.poll();
    archive.looked.length = 0;
    const seg = { seriesInstanceUid: `${uid}.seg`, sopInstanceUid: 'x', kind: 'SEG' } as const;
    await recordResultSeries(database, [{ studyInstanceUid: uid, ...seg }], new Date());
    archive.studies.get(uid)?.push({ uid: seg.seriesInstanceUid, modality: 'SEG', count: 1 });
    for (let poll = 0; poll < 5; poll += 1) expect((await watcher.poll()).queued).toEqual([]);
    expect(archive.looked).toEqual([uid]);
  });

  it('finds an instance that came while another was taken away within a day', async () => {
    const { addStudy, archive, watcher, clock } = setUp({ stableForMs: 0 });
    archive.counts = true;
    const uid = addStudy();
    await watcher.poll();
    await watcher.poll();
    await database.query('DELETE FROM pgboss.job');
    archive.studies.set(uid, [{ uid: `${uid}.other`, count: 3 }]);
    clock.time += 24 * 60 * MINUTE_MS;
    await watcher.poll();
    expect((await watcher.poll()).queued).toEqual([uid]);
  });
});

describe('following changes', () => {
  it('begins with everything within the look-back, then costs what is new', async () => {
    const { addStudy, archive, changes, watcher, said } = setUp({ stableForMs: 0, follow: true });
    const old = ['a', 'b', 'c'].map((name) => addStudy(name));
    changes.add(7, 'NewInstance', 'i1', old[0] ?? '');
    expect(await watcher.poll()).toMatchObject({ studies: 3 });
    expect(said).toEqual(['the list of changes is followed from now on']);
    expect((await watcher.poll()).queued.toSorted()).toEqual(old);

    archive.looked.length = 0;
    changes.requests = 0;
    expect(await watcher.poll()).toMatchObject({ studies: 0, looked: [] });
    expect(changes.requests).toBe(1);

    const fresh = addStudy('fresh');
    changes.add(8, 'NewInstance', 'i2', fresh);
    changes.add(9, 'NewSeries', 's2', fresh);
    changes.add(10, 'NewInstance', 'i3', fresh);
    expect(await watcher.poll()).toMatchObject({ studies: 1, unstable: 1 });
    expect(changes.requests).toBe(3);
    expect((await watcher.poll()).queued).toEqual([fresh]);
    expect(new Set(archive.looked)).toEqual(new Set([fresh]));
  });

  it('loses nothing when it is cut off between two pages', async () => {
    const { addStudy, changes, watcher, archive } = setUp({ stableForMs: 0, follow: true });
    await watcher.poll();
    for (let number = 1; number <= 2_500; number += 1)
      changes.add(number, 'NewInstance', `i${number}`, addStudy(`n${Math.ceil(number / 1_000)}`));
    const whole = changes.studiesOf.bind(changes);
    let answers = 0;
    changes.studiesOf = async (ids) => {
      answers += 1;
      if (answers === 2) throw new Error('killed');
      return whole(ids);
    };
    await expect(watcher.poll()).rejects.toThrow('killed');
    await watcher.poll();
    await watcher.poll();
    expect(new Set(archive.looked)).toEqual(new Set(archive.studies.keys()));
  });

  it('starts over when the archive is another, or was restored, and says so', async () => {
    const { addStudy, changes, watcher, archive, said } = setUp({ stableForMs: 0, follow: true });
    changes.add(5, 'NewInstance', 'i5', addStudy('a'));
    await watcher.poll();
    await watcher.poll();
    said.length = 0;
    archive.looked.length = 0;
    const other = addStudy('other');
    changes.entries = [];
    changes.add(3, 'NewInstance', 'j3', other);
    await watcher.poll();
    expect(said).toEqual(['the list of changes is not the one that was followed: looking at everything']);
    expect(archive.looked).toContain(other);
    await watcher.poll();
    expect(said).toHaveLength(1);
  });

  it('looks at everything, and at what follows, when the change of the last time was deleted', async () => {
    const { addStudy, changes, watcher, archive, said } = setUp({ stableForMs: 0, follow: true });
    const gone = addStudy('gone');
    changes.add(5, 'NewInstance', 'i5', gone);
    await watcher.poll();
    archive.studies.delete(gone);
    changes.entries = [];
    // Its StudyDate is long ago: the look-back does not list it, the list of changes has it.
    const late = addStudy('late');
    archive.unlisted.add(late);
    changes.add(6, 'NewInstance', 'i6', late);
    await watcher.poll();
    expect(said).toHaveLength(2);
    expect(archive.looked).toContain(late);
    await watcher.poll();
    expect(said).toHaveLength(2);
  });
});

it('nothing is due where nothing is announced', async () => {
  expect(await nextDue(database)).toBeUndefined();
});
