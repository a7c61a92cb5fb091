import { afterAll, beforeAll, expect, it } from 'vitest';
import { completedOnce, orderKillRun } from '../support/order-kill-run.ts';
import { type OrthancServer, startOrthanc } from '../support/orthanc.ts';
import { describeWith } from '../support/requires.ts';
import { isWhole } from '../support/whole.ts';

/** A small version of what stands in `npm run test:kills`. */
const FEW = isWhole ? { orders: 4, kills: 4 } : { orders: 2, kills: 2 };

describeWith(['Orthanc'], 'killed at random moments, a node ends each order once', () => {
  let orthanc: OrthancServer;
  beforeAll(async () => {
    orthanc = await startOrthanc();
  });
  afterAll(() => orthanc?.stop());

  for (const [way, seed] of [
    ['pull', 31],
    ['push', 32],
  ] as const) {
    it(`orders that it ${way === 'pull' ? 'pulls' : 'is sent'}`, async () => {
      expect(await orderKillRun({ ...FEW, way, seed, archiveUrl: orthanc.url })).toEqual(
        completedOnce(FEW.orders),
      );
    });
  }
});
