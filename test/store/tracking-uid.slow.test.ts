import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { deviceSerial } from '../../src/store/records/device-serial.ts';
import { erasePatient } from '../../src/store/records/erase-patient.ts';
import { patientKeys } from '../../src/store/records/patient-key.ts';
import { PLACEHOLDER_IDS } from '../../src/store/records/placeholder.ts';
import { recordTrackingUid, trackingUids } from '../../src/store/records/tracking-uid.ts';

const of = (patientId: string | undefined, studyInstanceUid = '2.25.1', issuer?: string) => ({
  patientId,
  issuer,
  studyInstanceUid,
});

describe('the tracking UID of a patient', () => {
  let databases: Database[];
  /** In each of the two databases. */
  const both = (secret: string | null) =>
    Promise.all(
      databases.map(async (sql) => trackingUids(sql, await patientKeys(sql), PLACEHOLDER_IDS, secret)),
    );

  beforeAll(async () => {
    databases = [await openDatabase({ memory: true }), await openDatabase({ memory: true })];
  });
  afterAll(async () => {
    for (const database of databases) await database.close();
  });

  it('is the same in all studies, and depends on a secret: another database gives another', async () => {
    const [one, other] = await both(null);
    const uid = await one?.(of('P-1'));
    expect(uid).toMatch(/^2\.25\.\d+$/);
    expect(await one?.(of('P-1', '2.25.2'))).toBe(uid);
    expect(await one?.(of('P-2'))).not.toBe(uid);
    expect(await one?.(of('P-1', '2.25.1', 'ELSEWHERE'))).not.toBe(uid);
    expect(await other?.(of('P-1'))).not.toBe(uid);
  });

  it('is the same on all nodes that have the secret of a site', async () => {
    const [one, other] = await both('a secret of the whole site');
    const uid = await one?.(of('P-3'));
    expect(uid).toBeDefined();
    expect(await other?.(of('P-3'))).toBe(uid);
  });

  it('stays what it was when the secret of the site changes, or a report brings another', async () => {
    const [database] = databases;
    if (!database) throw new TypeError('no database');
    const [before] = await both(null);
    const uid = await before?.(of('P-4'));
    const [after] = await both('a secret that came later');
    expect(await after?.(of('P-4'))).toBe(uid);
    const keyOf = await patientKeys(database);
    await recordTrackingUid(database, keyOf(of('P-4')), '2.25.99');
    await recordTrackingUid(database, keyOf(of('P-5')), '2.25.98');
    expect(await after?.(of('P-4'))).toBe(uid);
    expect(await after?.(of('P-5'))).toBe('2.25.98');
  });

  it('joins no studies of a PatientID that names nobody', async () => {
    const [one] = await both(null);
    expect(await one?.(of('UNKNOWN', '2.25.1'))).not.toBe(await one?.(of('UNKNOWN', '2.25.2')));
  });

  it('goes when the patient is erased', async () => {
    const [database] = databases;
    if (!database) throw new TypeError('no database');
    const key = (await patientKeys(database))(of('P-6'));
    await recordTrackingUid(database, key, '2.25.97');
    await erasePatient(database, key, new Date(0), async () => {});
    const rows = await database.query('SELECT 1 FROM pansegnet.tracking WHERE patient_key = $1', [key]);
    expect(rows).toEqual([]);
  });

  it('has a device beside it that is told from others by a serial number of its own', async () => {
    const [one, other] = databases;
    if (!one || !other) throw new TypeError('no database');
    const serial = await deviceSerial(one);
    expect(serial).toMatch(/^[0-9a-f-]{36}$/);
    expect(await deviceSerial(one)).toBe(serial);
    expect(await deviceSerial(other)).not.toBe(serial);
  });
});
