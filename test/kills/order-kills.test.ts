import { afterAll, beforeAll, expect, it } from 'vitest';
import { completedOnce, orderKillRun } from '../support/order-kill-run.ts';
import { type OrthancServer, startOrthanc } from '../support/orthanc.ts';
import { describeWith } from '../support/requires.ts';

const MANY = { orders: 20, kills: 20 };

/** Another each time; printed, so that a run that failed can be repeated. */
const SEED = Number(process.env['KILLS_SEED'] ?? Date.now() % 100_000);

describeWith(['Orthanc'], `a node that performs orders, killed ${MANY.kills} times (seed ${SEED})`, () => {
  let orthanc: OrthancServer;
  beforeAll(async () => {
    orthanc = await startOrthanc();
  });
  afterAll(() => orthanc?.stop());

  it('ends each order that it pulls once, with exactly its results', async () => {
    const run = { ...MANY, way: 'pull', seed: SEED, archiveUrl: orthanc.url } as const;
    expect(await orderKillRun(run)).toEqual(completedOnce(MANY.orders));
  });

  it('ends each order that it is sent once, with exactly its results', async () => {
    const run = { ...MANY, way: 'push', seed: SEED + 1, archiveUrl: orthanc.url } as const;
    expect(await orderKillRun(run)).toEqual(completedOnce(MANY.orders));
  });
});
