import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { fhirExit } from '../../src/exchange/fhir/fhir-exit.ts';
import { hl7Exit } from '../../src/exchange/hl7/hl7-exit.ts';
import { deliverDue, type ExitParts } from '../../src/exchange/outbox/deliver.ts';
import { openExits } from '../../src/exchange/outbox/exits.ts';
import type { ReadResult } from '../../src/exchange/result/read-result.ts';
import { DIRECT } from '../../src/http-client/connections.ts';
import { JobEngine } from '../../src/queue/job-engine.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { announceResult } from '../../src/store/exchange/announce-result.ts';
import { outgoingOfStudy } from '../../src/store/exchange/outgoing.ts';
import { recordCorrection, recordVolume, recordWithdrawal } from '../../src/store/records/history.ts';
import type { MeasuredVolume } from '../../src/store/records/volume-record.ts';
import { type DatabaseSite, describeDatabases } from '../support/database-sites.ts';
import { type FhirReceiver, startFhirReceiver } from '../support/fhir-receiver.ts';
import { measuredVolume } from '../support/measured-volume.ts';
import { acknowledgment, type MllpReceiver, startMllpReceiver } from '../support/mllp-receiver.ts';
import { FULL_RESULT } from '../support/outgoing-results.ts';
import { readMessages } from '../support/read-hl7.ts';
import { describeWith } from '../support/requires.ts';

const DATABASE_MS = 120_000;
const NEVER = new AbortController().signal;
/** Of the node's own configuration. */
const PAUSES = { firstSeconds: 30, longestSeconds: 1_800 };
const NOW = new Date('2026-03-04T05:06:08Z');
const NAMES = {
  sendingApplication: 'PANSEGNET',
  sendingFacility: null,
  receivingApplication: null,
  receivingFacility: null,
  processingId: 'P',
  assigningAuthority: null,
};
const schema: object = JSON.parse(
  readFileSync(path.join(import.meta.dirname, 'fhir-schema/r5.json'), 'utf8'),
);
const bundle = z.object({
  entry: z.array(
    z.object({
      resource: z.looseObject({
        resourceType: z.string(),
        id: z.string(),
        status: z.string().optional(),
      }),
    }),
  ),
});

const T1 = measuredVolume('key', '20260301', { class: 'T1W', part: 't1', volumeMl: 70 });
const T2 = measuredVolume('key', '20260301', {
  class: 'T2W',
  part: 't2',
  seriesInstanceUid: '2.25.9.4',
  report: { seriesInstanceUid: '2.25.9.5', sopInstanceUid: '2.25.9.5.1' },
});

/** Measured in the history alone: nobody else hears of it. */
const ALONE = measuredVolume('key', '20260301', {
  seriesInstanceUid: '2.25.77.1',
  seg: { seriesInstanceUid: '2.25.77.2', sopInstanceUid: '2.25.77.2.1' },
  report: { seriesInstanceUid: '2.25.77.3', sopInstanceUid: '2.25.77.3.1' },
  historyAlone: true,
});

/** Both exits as a node has them, over real connections; what the archive would say stands in for it. */
describeWith(['hl7'], 'a FHIR server and an HL7 interface that are down for an hour', () =>
  describeDatabases('with what waits', bothDown),
);

function bothDown(newSite: () => Promise<DatabaseSite>): void {
  let site: DatabaseSite;
  let database: Database;
  let engine: JobEngine;
  let exits: readonly ExitParts[];
  let fhir: FhirReceiver;
  let hl7: MllpReceiver;
  beforeAll(async () => {
    site = await newSite();
    database = await site.open();
    engine = await JobEngine.open(database, (error) => console.error(error));
    [fhir, hl7] = [await startFhirReceiver(), await startMllpReceiver()];
    const read: ReadResult = async ({ id, result, change, volume }) => ({
      ...FULL_RESULT,
      messageId: id,
      result,
      change,
      images: volume.class,
      modality: 'MR',
      volumeMl: (volume.correction ?? volume).volumeMl,
      intervalMl: null,
      pdf: undefined,
    });
    const server = {
      url: `http://127.0.0.1:${fhir.port}/fhir`,
      version: 'R5' as const,
      headers: {},
      timeoutMs: 20_000,
      connections: DIRECT,
    };
    const receiver = { host: '127.0.0.1', port: hl7.port, tls: undefined, timeoutMs: 20_000 };
    exits = await openExits({
      engine,
      exits: {
        fhir: fhirExit(server, { read, database, systems: {} }),
        hl7: hl7Exit(receiver, NAMES, read),
      },
      pauses: PAUSES,
      now: () => NOW,
      warn: () => {},
    });
    await fhir.stop();
    await hl7.stop();
  }, DATABASE_MS);
  afterAll(async () => {
    await engine?.stop();
    await database?.close();
    await site?.remove();
    await fhir?.stop().catch(() => undefined);
    await hl7?.stop().catch(() => undefined);
  });

  const deliver = async () => {
    for (const exit of exits) await deliverDue(exit, NEVER);
  };
  const pass = (interval: string) =>
    database.query('UPDATE pgboss.job SET start_after = start_after - $1::interval', [interval]);
  const change = (one: MeasuredVolume, work: (sql: Parameters<typeof recordVolume>[0]) => Promise<void>) =>
    database.transaction(async (sql) => {
      await work(sql);
      await announceResult(sql, one.report.sopInstanceUid, NOW);
    });
  const states = async () => (await outgoingOfStudy(database, T1.studyInstanceUid)).map(({ state }) => state);

  it('get everything afterwards, once and in order', async () => {
    for (let minute = 0; minute < 60; minute++) {
      if (minute === 0) for (const one of [T1, T2, ALONE]) await change(one, (sql) => recordVolume(sql, one));
      if (minute === 20) {
        await change(T1, (sql) =>
          recordCorrection(sql, T1.report.sopInstanceUid, {
            volumeMl: 66,
            voxelCount: 10,
            seg: { seriesInstanceUid: '2.25.9.6', sopInstanceUid: '2.25.9.6.1' },
            report: { seriesInstanceUid: '2.25.9.7', sopInstanceUid: '2.25.9.7.1' },
            supersedes: T1.report.sopInstanceUid,
            contentDateTime: NOW.toISOString(),
          }),
        );
      }
      if (minute === 40) {
        await change(T2, (sql) =>
          recordWithdrawal(sql, T2.report.sopInstanceUid, {
            reason: '113001',
            note: '2.25.9.8',
            at: NOW.toISOString(),
          }),
        );
      }
      await deliver();
      await pass('1 minute');
    }
    expect(new Set(await states())).toEqual(new Set(['waiting']));
    [fhir, hl7] = [await startFhirReceiver(fhir.port), await startMllpReceiver(undefined, hl7.port)];
    // The first answer is lost: nobody knows whether the message came.
    let lost = 1;
    hl7.answer = (message) => (lost-- > 0 ? 'MSH|^~\\&|garbled\r' : acknowledgment(message, 'AA'));
    for (const _ of [1, 2, 3]) {
      await pass('1 hour');
      await deliver();
    }
    expect(await states()).toEqual(Array.from({ length: 8 }, () => 'sent'));

    expect(JSON.stringify(fhir.bundles)).toContain(T2.report.seriesInstanceUid);
    expect(JSON.stringify(fhir.bundles)).not.toContain('2.25.77.');
    const check = new Ajv({ strict: false, unicodeRegExp: false }).compile(schema);
    expect(fhir.bundles.map((one) => check(one))).toEqual([true, true, true, true]);
    const observations = fhir.bundles.map((one) =>
      bundle.parse(one).entry.find(({ resource }) => resource.resourceType === 'Observation'),
    );
    expect(observations.map((one) => one?.resource.status)).toEqual([
      'preliminary',
      'preliminary',
      'corrected',
      'entered-in-error',
    ]);
    const [t1, t2, t1Later, t2Later] = observations.map((one) => one?.resource.id);
    expect([t1Later, t2Later]).toEqual([t1, t2]);
    expect(fhir.ofType('Observation')).toHaveLength(2);

    const [again, ...messages] = readMessages(hl7.received);
    expect(again?.value('MSH', 10)).toBe(messages[0]?.value('MSH', 10));
    expect(new Set(messages.map((one) => one.value('MSH', 10))).size).toBe(4);
    const told = messages.map((one) => [one.value('OBR', 25), ...(one.observations[0] ?? []).slice(2)]);
    const sub = (images: string) => expect.stringMatching(new RegExp(`^${images}\\.`));
    expect(told).toEqual([
      ['P', sub('T1W'), '70', 'mL', 'P'],
      ['P', sub('T2W'), '71.25', 'mL', 'P'],
      ['C', sub('T1W'), '66', 'mL', 'C'],
      ['C', sub('T2W'), '71.25', 'mL', 'W'],
    ]);
    const [first, second, third, fourth] = messages.map((one) => one.value('OBR', 3));
    expect([third, fourth]).toEqual([first, second]);
    expect(first).not.toBe(second);
  }, 300_000);
}
