import { expect, it } from 'vitest';
import { requestStudy } from '../../src/queue/request-study.ts';
import { workOnStudies } from '../../src/queue/study-worker.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { findStudy } from '../../src/store/records/study-log.ts';
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

it('an earlier study makes room for a new one, and is taken up again as if nothing had been', async () => {
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
    run: worker.work,
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
});

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
