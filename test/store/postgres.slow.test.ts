import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobEngine } from '../../src/queue/job-engine.ts';
import { StudyQueue } from '../../src/queue/study-queue.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { cohortBehaviour } from '../support/cohort-behaviour.ts';
import { notificationsBehaviour } from '../support/notifications-behaviour.ts';
import { pageQueriesBehaviour } from '../support/page-queries-behaviour.ts';
import { PATIENCE } from '../support/patience.ts';
import { pgbossContract } from '../support/pgboss-contract.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { queueBehaviour } from '../support/queue-behaviour.ts';
import { diarist, door, queueBench, untilAborted } from '../support/queue-bench.ts';
import { queueControlBehaviour } from '../support/queue-control-behaviour.ts';
import { describeWith } from '../support/requires.ts';

describeWith(['postgresql'], 'on a PostgreSQL server', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());
  const open = async () => openDatabase({ url: await server.newDatabase(), connections: 5 });

  describe('the queue', () => {
    queueBehaviour(open);
  });
  describe('control of the queue', () => {
    queueControlBehaviour(open);
  });
  describe('what pages show', () => {
    pageQueriesBehaviour(open);
  });
  describe('the cohort', () => {
    cohortBehaviour(open);
  });
  describe('notifications', () => {
    notificationsBehaviour(open);
  });

  describe('what is taken for granted of pg-boss', () => {
    pgbossContract(open);
  });

  describe('several workers', () => {
    const { database, openQueue } = queueBench(open);

    it('share the studies: each is processed by one', async () => {
      const queues = [await openQueue(), await openQueue(), await openQueue()];
      const [queue] = queues;
      const studies = Array.from({ length: 60 }, (_, place) => `study.${place}`);
      for (const studyInstanceUid of studies) await queue?.add({ studyInstanceUid, reason: 'watched' });
      const workers = queues.map(() => diarist(async () => undefined, 2));
      for (const [place, worker] of workers.entries()) queues[place]?.work(worker.worker);
      await queue?.drained();
      const taken = workers.flatMap(({ jobs }) => jobs.map(({ studyInstanceUid }) => studyInstanceUid));
      expect(taken.sort()).toEqual(studies.sort());
      expect(workers.filter(({ jobs }) => jobs.length > 0).length).toBeGreaterThan(1);
    });

    it('leave a study to the one that works on it, however long that takes', async () => {
      const [first, second] = [await openQueue(), await openQueue()];
      const [mayEnd, other] = [door(), diarist(async () => undefined)];
      const mine = diarist(() => mayEnd.opened);
      await first.add({ studyInstanceUid: 'a', reason: 'watched' });
      first.work(mine.worker);
      await expect.poll(() => mine.diary, PATIENCE).toEqual(['begin a']);
      second.work(other.worker);
      const begun = await heartbeat(database());
      // More than the silence after which a worker is dead.
      await expect.poll(async () => (await heartbeat(database())) - begun, PATIENCE).toBeGreaterThan(2_500);
      mayEnd.open();
      await first.drained();
      expect([mine.diary, other.diary]).toEqual([['begin a', 'end a'], []]);
    });

    it('take over from one that has fallen silent; that one is told to stop and settles nothing', async () => {
      // It beats every second, and is taken for dead by one that expects more.
      const slow = await openQueue({ heartbeatSeconds: 4 });
      const stopped = door();
      const first = diarist(async (_job, signal) => {
        await untilAborted(signal).catch(() => stopped.open());
        throw new Error('cut off');
      });
      await slow.add({ studyInstanceUid: 'a', reason: 'watched' });
      slow.work(first.worker);
      await expect.poll(() => first.diary, PATIENCE).toEqual(['begin a']);
      const strict = await openQueue({ heartbeatSeconds: 0.2 });
      const second = diarist(async () => undefined);
      strict.work(second.worker);
      await stopped.opened;
      await strict.drained();
      expect(second.diary).toEqual(['begin a', 'end a']);
      expect(second.jobs[0]?.takeovers).toBeGreaterThan(0);
      await slow.stop({ graceMs: 1_000 });
      expect(first.diary.filter((entry) => entry !== 'begin a')).toEqual([]);
      expect(await strict.counts()).toEqual({ waiting: 0, active: 0, dead: 0 });
    });
  });

  it('processes that start together on a new database make its tables once', async () => {
    for (let turn = 0; turn < 3; turn++) {
      const place = { url: await server.newDatabase(), connections: 2 };
      const starting = Array.from({ length: 5 }, async () => {
        const database = await openDatabase(place);
        const engine = await JobEngine.open(database, (error) => console.error(error));
        return { database, engine, queue: await StudyQueue.open(engine) };
      });
      const started = await Promise.all(starting);
      expect(await started[0]?.queue.counts()).toEqual({ waiting: 0, active: 0, dead: 0 });
      for (const { database, engine, queue } of started) {
        await queue.stop({ graceMs: 0 });
        await engine.stop();
        await database.close();
      }
    }
  });

  it('a lost connection is a passing failure, and the next query works when the server is back', async () => {
    const database = await open();
    await server.halt();
    const unusable = { code: 'DATABASE_UNUSABLE', message: expect.stringContaining('database test_') };
    await expect(database.query('SELECT 1')).rejects.toMatchObject(unusable);
    await expect(database.transaction((sql) => sql.query('SELECT 1'))).rejects.toMatchObject(unusable);
    await server.resume();
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await database.close();
  });

  it('a transaction that throws leaves nothing, and so does one that went on after a failed statement', async () => {
    const database = await open();
    const insert = "INSERT INTO pansegnet.setting (name, value) VALUES ('t', '1')";
    await expect(
      database.transaction(async (sql) => {
        await sql.query(insert);
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    await expect(
      database.transaction(async (sql) => {
        await sql.query(insert);
        await sql.query('SELECT 1 / 0').catch(() => undefined);
      }),
    ).rejects.toThrow('rolled back');
    expect(await database.query("SELECT 1 FROM pansegnet.setting WHERE name = 't'")).toEqual([]);
    await database.close();
  });

  it.each([
    [
      'postgresql://node:open-sesame@127.0.0.1:9/pansegnet',
      /127\.0\.0\.1:9, database pansegnet, user node.*ECONNREFUSED/,
    ],
    ['postgresql://node:open-sesame@nowhere.invalid/pansegnet', /nowhere\.invalid/],
  ])(
    'a server that cannot be reached is named with the reason, without the password',
    async (url, message) => {
      const failure = openDatabase({ url, connections: 2 });
      await expect(failure).rejects.toMatchObject({ code: 'DATABASE_UNUSABLE' });
      await expect(failure).rejects.toThrow(message);
      await expect(failure).rejects.not.toThrow('sesame');
    },
  );
});

/** When the one worker at work was last heard, in ms. */
async function heartbeat(database: Database): Promise<number> {
  const [row] = await database.query(
    "SELECT (extract(epoch FROM heartbeat_on) * 1000)::float8 AS at FROM pgboss.job WHERE state = 'active'",
  );
  return Number(row?.['at'] ?? 0);
}
