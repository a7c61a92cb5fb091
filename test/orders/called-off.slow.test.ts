import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asLongAsWanted } from '../../src/orders/called-off.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { endOrder, keepOrder, requestOrderCancel } from '../../src/store/orders/performed-orders.ts';
import { lookAtStudy, markQueued } from '../../src/store/records/study-log.ts';

const STUDY = '1.2.3';
const KEY = { worklist: 'http://worklist', workitemUid: '1.2.77' };
const NOW = new Date('2026-11-30T12:00:00Z');

let database: Database;
beforeEach(async () => {
  database = await openDatabase({ memory: true });
  const order = { ...KEY, transactionUid: '1.9', studyInstanceUid: STUDY, request: {} };
  await keepOrder(database, { ...order, accessionNumber: '', requestedProcedure: '' }, NOW);
});
afterEach(() => database.close());

const cancel = () => requestOrderCancel(database, KEY, NOW);
function work<T>(
  body: (wanted: { signal: AbortSignal; beforeStoring: () => Promise<void> }) => Promise<T>,
  isOrdered = true,
): Promise<T | undefined> {
  const onError = (error: unknown) => expect.fail(String(error));
  const parts = { database, studyInstanceUid: STUDY, isOrdered, now: () => NOW, onError };
  return asLongAsWanted(parts, new AbortController().signal, body);
}

describe('work that is done for an order alone', () => {
  it('is stopped in the middle when the order is canceled, and nothing is stored', async () => {
    let stored = false;
    const outcome = await work(async ({ signal, beforeStoring }) => {
      expect(await cancel()).toBe(true);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await beforeStoring().then(() => (stored = true));
      return 'done';
    });
    expect([outcome, stored]).toEqual([undefined, false]);
  });

  it('does not begin to store, when the order was canceled just before', async () => {
    let stored = false;
    const outcome = await work(async ({ beforeStoring }) => {
      expect(await cancel()).toBe(true);
      await beforeStoring();
      stored = true;
    });
    expect([outcome, stored]).toEqual([undefined, false]);
  });

  it('goes on once it stores: the order cannot be canceled any more', async () => {
    const outcome = await work(async ({ signal, beforeStoring }) => {
      await beforeStoring();
      expect(await cancel()).toBe(false);
      await endOrder(database, KEY, { state: 'lost', now: NOW });
      await beforeStoring();
      return signal.aborted;
    });
    expect(outcome).toBe(false);
  });

  it('is not begun where the order was canceled while it waited', async () => {
    await cancel();
    let begun = false;
    expect(await work(async () => (begun = true))).toBeUndefined();
    expect(begun).toBe(false);
  });

  it('goes on where the watch wants the study, too', async () => {
    await lookAtStudy(database, { studyInstanceUid: STUDY, fingerprint: 'f', now: NOW });
    await markQueued(database, { studyInstanceUid: STUDY, fingerprint: 'f', isNew: false, now: NOW });
    const outcome = await work(async ({ beforeStoring }) => {
      expect(await cancel()).toBe(true);
      await beforeStoring();
      return 'stored';
    });
    expect(outcome).toBe('stored');
  });
});

it('work that nobody ordered goes on whatever becomes of orders, and ends their being cancelable', async () => {
  const outcome = await work(async ({ beforeStoring }) => {
    await beforeStoring();
    expect(await cancel()).toBe(false);
    return 'stored';
  }, false);
  expect(outcome).toBe('stored');
});
