import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommitmentLedger, LedgerInMemory } from '../../src/dicom/dimse/ledger.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { storedLedger } from '../../src/store/records/pending-commitments.ts';

const instance = (sopInstanceUid: string) => ({
  studyInstanceUid: '2.25.1',
  seriesInstanceUid: '2.25.1.1',
  sopClassUid: '1.2.840.10008.5.1.4.1.1.66.4',
  sopInstanceUid,
});

describe('what an archive has not committed to', () => {
  let database: Database;
  beforeAll(async () => {
    database = await openDatabase({ memory: true });
  });
  afterAll(() => database?.close());

  const ledgers: Record<string, () => CommitmentLedger> = {
    'in the database': () => storedLedger(() => database),
    'in memory': () => new LedgerInMemory(),
  };
  it.each(Object.entries(ledgers))('is kept %s until it commits to it', async (_where, make) => {
    const ledger = make();
    const pending = async () =>
      (await ledger.pending(['2.25.7', '2.25.8', '2.25.9'])).map((one) => one.sopInstanceUid).sort();
    const [one, other] = [instance('2.25.7'), instance('2.25.8')];
    await ledger.expect([one, other]);
    await ledger.expect([one]);
    expect(await ledger.pending(['2.25.7'])).toEqual([one]);
    expect(await pending()).toEqual(['2.25.7', '2.25.8']);
    await ledger.asked('2.25.100', ['2.25.7', '2.25.8', '2.25.9']);
    // A report for another request says nothing of these.
    await ledger.settled(['2.25.7'], '2.25.99');
    expect(await pending()).toEqual(['2.25.7', '2.25.8']);
    await ledger.settled(['2.25.7'], '2.25.100');
    expect(await pending()).toEqual(['2.25.8']);
    await ledger.settled(['2.25.8']);
    expect(await pending()).toEqual([]);
  });
});
