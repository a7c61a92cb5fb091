import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { affected, inTransaction, JobEngine } from '../../src/queue/job-engine.ts';
import type { Database } from '../../src/store/database/sql.ts';
import {
  deadJobs,
  jobFigures,
  setPlace,
  silentJobs,
  useUpTries,
} from '../../src/store/queue/pgboss-tables.ts';

const DATABASE_MS = 120_000;
const DEAD = 'contract-dead';
const HOUR_SECONDS = 3_600;

/**
 * What the SQL on pg-boss's table, and the queues, take for granted of pg-boss: an upgrade that changes it
 * goes red here.
 */
export function pgbossContract(open: () => Promise<Database>): void {
  let database: Database;
  let engine: JobEngine;
  let queue: string;
  let count = 0;

  beforeAll(async () => {
    database = await open();
    engine = await JobEngine.open(database, (error) => console.error(error));
    await engine.openQueue(DEAD);
  }, DATABASE_MS);
  afterAll(async () => {
    await engine.stop();
    await database.close();
  });
  beforeEach(async () => {
    queue = `contract-${count++}`;
    await engine.openQueue(queue, { deadLetter: DEAD, retryLimit: 5, retryDelay: HOUR_SECONDS });
  });

  const send = async (name: string, options = {}): Promise<string> => {
    const id = await engine.boss.send(queue, { name }, options);
    if (id === null) throw new Error('pg-boss did not take the job');
    return id;
  };
  const take = async () => {
    const [job] = await engine.boss.fetch<{ name: string }>(queue, { includeMetadata: true });
    if (!job) throw new Error('there is no job');
    return job;
  };
  const figures = () =>
    jobFigures(database, { queue, deadLetterQueue: DEAD, now: new Date(Date.now() + HOUR_SECONDS * 1000) });

  describe('the table of jobs', () => {
    it('has the columns that are read and written, with these types', async () => {
      const columns = {
        created_on: 'timestamp with time zone',
        data: 'jsonb',
        heartbeat_on: 'timestamp with time zone',
        id: 'uuid',
        name: 'text',
        priority: 'integer',
        retry_count: 'integer',
        retry_limit: 'integer',
        source_output: 'jsonb',
        source_retry_count: 'integer',
        started_on: 'timestamp with time zone',
        state: 'USER-DEFINED',
      };
      const rows = await database.query(
        `SELECT column_name, data_type FROM information_schema.columns
         WHERE table_schema = 'pgboss' AND table_name = 'job' AND column_name = ANY($1::text[])`,
        [Object.keys(columns)],
      );
      expect(Object.fromEntries(rows.map((row) => [row['column_name'], row['data_type']]))).toEqual(columns);
    });

    it('knows these states, in this order', async () => {
      const rows = await database.query('SELECT enum_range(NULL::pgboss.job_state)::text AS states');
      expect(rows).toEqual([{ states: '{created,retry,active,completed,cancelled,failed}' }]);
    });
  });

  it('a job whose tries are used up ends in the dead letter queue, with what it failed with and at which try', async () => {
    const id = await send('a');
    const job = await take();
    await database.transaction(async (sql) => {
      await useUpTries(sql, queue, id);
      await engine.boss.fail(queue, job, { code: 'WHY' }, inTransaction(sql));
    });
    const before = await send('b');
    await engine.boss.fail(queue, await take(), { code: 'AGAIN' });
    expect(await engine.boss.findJobs(queue, { id: before })).toMatchObject([{ state: 'retry' }]);
    expect(await deadJobs(database, DEAD, { limit: 1, offset: 0 })).toEqual([
      { data: { name: 'a' }, output: { code: 'WHY' }, failedAt: expect.any(Date), tries: 1 },
    ]);
    const dead = await engine.boss.findJobs(DEAD, { data: { name: 'a' }, queued: true });
    expect(dead).toMatchObject([{ sourceId: id, sourceName: queue }]);
    expect(await figures()).toMatchObject({ retrying: 1, dead: 1 });
    expect(
      affected(
        await engine.boss.deleteJob(
          DEAD,
          dead.map(({ id: deadId }) => deadId),
        ),
      ),
    ).toBe(1);
  });

  it('of equal priority, the job goes first that was created first, whatever is set as that time', async () => {
    await send('a');
    const b = await send('b');
    await send('urgent', { priority: 1 });
    await setPlace(database, queue, b, new Date(Date.now() - HOUR_SECONDS * 1000));
    expect([await take(), await take(), await take()].map(({ data }) => data.name)).toEqual([
      'urgent',
      'b',
      'a',
    ]);
  });

  it('an active job is silent until it is touched, from the time of its claim on', async () => {
    const silent = async (seconds: number) =>
      (await database.transaction((sql) => silentJobs(sql, queue, seconds))).map(({ id }) => id);
    await send('a', { priority: 3 });
    expect(await silent(0)).toEqual([]);
    const job = await take();
    expect(await silent(0)).toEqual([job.id]);
    expect(await silent(HOUR_SECONDS)).toEqual([]);
    const longAgo = `UPDATE pgboss.job SET heartbeat_on = now() - interval '2 h' WHERE id = $1`;
    await database.query(longAgo, [job.id]);
    expect(await database.transaction((sql) => silentJobs(sql, queue, HOUR_SECONDS))).toEqual([
      {
        id: job.id,
        data: { name: 'a' },
        priority: 3,
        retryLimit: 5,
        retryCount: 0,
        createdOn: job.createdOn,
      },
    ]);
    expect(affected(await engine.boss.touch(queue, job))).toBe(1);
    expect(await silent(HOUR_SECONDS)).toEqual([]);
    await engine.boss.complete(queue, job);
    expect(await silent(0)).toEqual([]);
  });

  it('figures count jobs by their state, and the age of the one that has waited longest', async () => {
    await send('a');
    await engine.boss.fail(queue, await take());
    await send('b');
    await engine.boss.complete(queue, await take());
    await send('c');
    await take();
    await send('d');
    const { oldestWaitingSeconds, ...counts } = await figures();
    expect(counts).toMatchObject({ waiting: 1, retrying: 1, active: 1 });
    expect(oldestWaitingSeconds).toBeGreaterThanOrEqual(HOUR_SECONDS - 1);
  });

  it.each(['touch', 'complete', 'fail', 'deleteJob'] as const)(
    '%s tells how many jobs it found, and finds none where the claim is another',
    async (call) => {
      await send('a');
      const { id, retryCount } = await take();
      const settle = (claim: { id: string; retryCount: number }): Promise<unknown> =>
        call === 'complete' || call === 'fail'
          ? engine.boss[call](queue, claim, null)
          : engine.boss[call](queue, claim);
      expect(retryCount).toBe(0);
      expect(affected(await settle({ id, retryCount: 1 }))).toBe(0);
      expect(affected(await settle({ id, retryCount }))).toBe(1);
    },
  );

  it('each claim of a job has the next number', async () => {
    const id = await send('a');
    await engine.boss.fail(queue, await take());
    await engine.boss.update(queue, undefined, { id, startAfter: 0 });
    expect(await take()).toMatchObject({ id, retryCount: 1 });
  });

  it('an update without a change finds what waits and leaves it as it is; what runs is not found', async () => {
    const key = { singletonKey: 'k' };
    const id = await send('a', { ...key, priority: 2, startAfter: HOUR_SECONDS });
    const [before] = await engine.boss.findJobs(queue, { id });
    const nothing = () => engine.boss.update(queue, undefined, { ...key, match: 'all' });
    expect(await nothing()).toEqual({ jobs: [id], updated: 1 });
    expect(await engine.boss.findJobs(queue, { id })).toEqual([before]);
    await engine.boss.update(queue, undefined, { id, startAfter: 0 });
    await take();
    expect(await nothing()).toEqual({ jobs: [], updated: 0 });
    expect(await engine.boss.findJobs(queue, { key: 'k', queued: true })).toEqual([]);
  });

  it('an id is used once, for as long as its job is kept: waiting, done or failed', async () => {
    const id = crypto.randomUUID();
    const again = () => engine.boss.send(queue, { name: 'again' }, { id });
    await send('a', { id, retryLimit: 0 });
    expect(await again()).toBeNull();
    await engine.boss.complete(queue, await take());
    expect(await again()).toBeNull();
    const failing = crypto.randomUUID();
    await send('b', { id: failing, retryLimit: 0 });
    await engine.boss.fail(queue, await take());
    expect(await engine.boss.send(queue, {}, { id: failing })).toBeNull();
  });

  it('what is done in a transaction that fails is undone, by all calls that take one', async () => {
    const id = await send('a');
    await expect(
      database.transaction(async (sql) => {
        const db = inTransaction(sql);
        await engine.boss.update(queue, undefined, { id, priority: 7, ...db });
        await engine.boss.send(queue, { name: 'b' }, db);
        await engine.boss.insert(queue, [{ data: { name: 'c' } }], db);
        const [found] = await engine.boss.findJobs(queue, { id, ...db });
        expect(found?.priority).toBe(7);
        await engine.boss.deleteJob(queue, id, db);
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await engine.boss.findJobs(queue)).toMatchObject([{ id, priority: 0 }]);
  });
}
