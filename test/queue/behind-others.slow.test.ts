import { expect, it } from 'vitest';
import { requestStudy } from '../../src/queue/request-study.ts';
import { workOnStudies } from '../../src/queue/study-worker.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { findStudy } from '../../src/store/records/study-log.ts';
import { PATIENCE } from '../support/patience.ts';
import { diarist, door, now, PASSING, queueBench, untilAborted } from '../support/queue-bench.ts';

const { database, openQueue } = queueBench(() => openDatabase({ memory: true }));

const earlier = (studyInstanceUid: string, studyDate?: string) =>
  ({ studyInstanceUid, reason: 'earlier', studyDate }) as const;

it('earlier studies are taken when nothing else waits, the newest first', async () => {
  const queue = await openQueue();
  for (const [study, date] of [
    ['of 1950', '19500101'],
    ['of 2015', '20150101'],
    ['of 2021', '20210101'],
    ['undated', undefined],
    ['of 2020', '20201231'],
  ] as const) {
    await queue.add(earlier(study, date));
  }
  await queue.add({ studyInstanceUid: 'backlog', reason: 'watched', urgency: 'backlog' });
  await queue.add({ studyInstanceUid: 'new', reason: 'watched' });
  const { worker, diary } = diarist(async ({ studyInstanceUid }) => {
    // What comes while earlier studies wait goes before those that are left.
    if (studyInstanceUid === 'of 2020') await queue.add({ studyInstanceUid: 'newer', reason: 'received' });
  });
  const over = door();
  queue.work({ ...worker, ended: (study) => study === 'undated' && over.open() });
  await over.opened;
  const order = ['new', 'backlog', 'of 2021', 'of 2020', 'newer', 'of 2015', 'of 1950', 'undated'];
  expect(diary.filter((entry) => entry.startsWith('begin '))).toEqual(order.map((one) => `begin ${one}`));
});

it.each([
  ['', () => undefined],
  [' though it is nearly over', (turn: { nearlyOver(): void }) => turn.nearlyOver()],
] as const)(
  'an earlier study makes room for a new one%s, and is taken up again as if nothing had been',
  async (_, first) => {
    const queue = await openQueue({ retryLimit: 0 });
    const begun = door();
    const over = door();
    const { worker, diary } = diarist(async ({ studyInstanceUid }, signal) => {
      if (studyInstanceUid !== 'old' || diary.length > 1) return;
      begun.open();
      await untilAborted(signal);
    });
    workOnStudies({
      database: database(),
      queue,
      run: async (job, signal, turn) => {
        await turn.begin();
        first(turn);
        await worker.work(job, signal, turn);
      },
      concurrency: 1,
      now,
      log: { warn: () => undefined },
      ended: (study) => study === 'old' && over.open(),
    });
    await requestStudy({ database: database(), queue }, { ...earlier('old', '20150101'), now: now() });
    await begun.opened;
    await requestStudy(
      { database: database(), queue },
      { studyInstanceUid: 'new', reason: 'watched', now: now() },
    );
    await over.opened;
    expect(diary).toEqual(['begin old', 'begin new', 'end new', 'begin old', 'end old']);
    expect(await queue.counts()).toEqual({ waiting: 0, active: 0, dead: 0 });
  },
);

it('two earlier studies in hand do not make room for one and the same', async () => {
  const queue = await openQueue();
  const [begun, mayEnd, over] = [door(), door(), door()];
  const { worker, diary } = diarist(async ({ studyInstanceUid }, signal) => {
    if (studyInstanceUid.startsWith('old')) {
      if (diary.filter((entry) => entry.startsWith('begin old')).length === 2) begun.open();
      await Promise.race([mayEnd.opened, untilAborted(signal)]);
    } else mayEnd.open();
  }, 2);
  const left = new Set(['old 1', 'old 2']);
  queue.work({ ...worker, ended: (study) => left.delete(study) && left.size === 0 && over.open() });
  for (const study of left) await queue.add(earlier(study));
  await begun.opened;
  await queue.add({ studyInstanceUid: 'new', reason: 'watched' });
  await over.opened;
  // One went on; only the other was begun again.
  expect(diary.filter((entry) => entry.startsWith('begin old'))).toHaveLength(3);
});

it('a queue that is drained leaves earlier studies where they are', async () => {
  const queue = await openQueue();
  await queue.add(earlier('old'));
  await queue.add({ studyInstanceUid: 'new', reason: 'watched' });
  await queue.setMode('draining');
  const { worker, diary } = diarist(async () => undefined);
  const over = door();
  queue.work({ ...worker, ended: (study) => study === 'old' && over.open() });
  await queue.drained();
  expect(diary).toEqual(['begin new', 'end new']);
  await queue.setMode('running');
  await over.opened;
  expect(diary.at(-1)).toBe('end old');
});

it('what is measured again waits once per model, and its failure is none of the study', async () => {
  const queue = await openQueue({ retryLimit: 0 });
  const again = (model: string, mode: 'fast' | 'exact' = 'fast') =>
    requestStudy(
      { database: database(), queue },
      { studyInstanceUid: 'done before', reason: 'remeasured', measureWith: { model, mode }, now: now() },
    );
  expect(await again('one')).toBe(true);
  expect(await again('one')).toBe(false);
  expect(await again('one', 'exact')).toBe(true);
  expect(await again('other')).toBe(true);
  const over = door();
  const seen: unknown[] = [];
  workOnStudies({
    database: database(),
    queue,
    run: async ({ measureWith }) => {
      seen.push(measureWith);
      if (seen.length === 3) setImmediate(over.open);
      throw PASSING;
    },
    concurrency: 1,
    now,
    log: { warn: () => undefined },
  });
  await over.opened;
  expect(seen).toHaveLength(3);
  expect(await findStudy(database(), 'done before')).toBeUndefined();
});

it('what failed behind the others is counted and listed, until it is asked for again', async () => {
  const queue = await openQueue({ retryLimit: 0 });
  const again = () =>
    requestStudy(
      { database: database(), queue },
      { studyInstanceUid: 'a', reason: 'remeasured', measureWith: { model: 'm', mode: 'fast' }, now: now() },
    );
  await again();
  await requestStudy({ database: database(), queue }, { ...earlier('b'), now: now() });
  let isPassing = false;
  const { worker } = diarist(async () => {
    if (!isPassing) throw PASSING;
  });
  queue.work(worker);
  const failed = async () =>
    (await queue.deadBehind({ limit: 9, offset: 0 })).map((one) => one.studyInstanceUid).toSorted();
  await expect.poll(failed, PATIENCE).toEqual(['a', 'b']);
  expect(await queue.behind()).toEqual({ waiting: 0, active: 0, dead: 2 });
  expect(await queue.counts()).toMatchObject({ dead: 0 });
  const [ofModel] = (await queue.deadBehind({ limit: 9, offset: 0 })).filter((one) => one.measureWith);
  expect(ofModel).toMatchObject({
    studyInstanceUid: 'a',
    measureWith: { model: 'm', mode: 'fast' },
    code: 'DICOM_WEB_UNREACHABLE',
    tries: 1,
  });
  isPassing = true;
  await again();
  await expect.poll(failed, PATIENCE).toEqual(['b']);
  // It came in another way, and was done.
  await queue.add({ studyInstanceUid: 'b', reason: 'watched' });
  await expect.poll(failed, PATIENCE).toEqual([]);
});

it('work behind the others is begun when that may be, and what is before it at any time', async () => {
  const queue = await openQueue();
  let may = false;
  const { worker, diary } = diarist(async () => undefined);
  queue.work({ ...worker, mayBeginBehind: async () => may });
  await queue.add(earlier('old'));
  await queue.add({ studyInstanceUid: 'new', reason: 'watched' });
  await queue.drained();
  expect(diary).toEqual(['begin new', 'end new']);
  may = true;
  await expect.poll(() => diary.at(-1), PATIENCE).toBe('end old');
});

/** How many at a time are worked on of each study, at most. */
function crowds(wait: (study: string, signal: AbortSignal) => Promise<void>) {
  const inHand = new Map<string, number>();
  const most = new Map<string, number>();
  const { worker, diary, jobs } = diarist(async ({ studyInstanceUid: study }, signal) => {
    inHand.set(study, (inHand.get(study) ?? 0) + 1);
    most.set(study, Math.max(most.get(study) ?? 0, inHand.get(study) ?? 0));
    await wait(study, signal).finally(() => inHand.set(study, (inHand.get(study) ?? 0) - 1));
  }, 3);
  return { worker, diary, jobs, most };
}

it('a study that comes while it is measured as an earlier one is not in hand twice', async () => {
  const queue = await openQueue();
  const begun = door();
  let isFirst = true;
  const { worker, diary, jobs, most } = crowds(async (_study, signal) => {
    if (!isFirst) return;
    isFirst = false;
    begun.open();
    await untilAborted(signal);
  });
  queue.work(worker);
  await queue.add(earlier('one'));
  await begun.opened;
  // There is room for two more.
  await queue.add({ studyInstanceUid: 'one', reason: 'watched' });
  await expect.poll(() => diary.filter((entry) => entry === 'end one').length, PATIENCE).toBe(2);
  expect(jobs.map(({ reason }) => reason)).toEqual(['earlier', 'watched', 'earlier']);
  expect(most).toEqual(new Map([['one', 1]]));
});

it('nor is one that is worked on begun as an earlier one, in this process or another', async () => {
  const [queue, other] = [await openQueue(), await openQueue()];
  const [begun, mayEnd] = [door(), door()];
  const { worker, diary, most } = crowds(async (study) => {
    if (study !== 'one') return;
    begun.open();
    await mayEnd.opened;
  });
  for (const one of [queue, other]) one.work(worker);
  await queue.add({ studyInstanceUid: 'one', reason: 'watched' });
  await begun.opened;
  await queue.add(earlier('one'));
  const measured = (model: string) =>
    queue.add({ studyInstanceUid: 'one', reason: 'remeasured', measureWith: { model, mode: 'fast' } });
  await measured('a');
  await measured('b');
  // Those behind it have their turn.
  await queue.add(earlier('two'));
  await expect.poll(() => diary.includes('end two'), PATIENCE).toBe(true);
  mayEnd.open();
  await expect.poll(() => diary.filter((entry) => entry === 'end one').length, PATIENCE).toBe(4);
  expect(most.get('one')).toBe(1);
});
