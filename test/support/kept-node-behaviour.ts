import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PansegnetNode, startNode } from '../../src/compose.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { messageSchema } from '../../src/exchange/notifications/message.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { allVolumes } from '../../src/store/records/history.ts';
import type { VolumeRecord } from '../../src/store/records/volume-record.ts';
import { startEmbeddedArchive } from './archives.ts';
import type { DatabaseSite } from './database-sites.ts';
import { keptNodeConfig } from './kept-node.ts';
import { KEPT } from './kept-studies.ts';
import {
  type KeptMessage,
  keptDatabase,
  keptHistory,
  keptIndex,
  keptListings,
  PREPARING_MS,
  storeKeptImages,
  storeKeptResults,
} from './kept-version.ts';
import { type MessageReceiver, startMailServer, startWebhookReceiver } from './message-receivers.ts';
import { PATIENCE } from './patience.ts';
import type { RunningArchive } from './running-archive.ts';

const GOING_ON: readonly string[] = [KEPT.running, KEPT.queued];
/** A message of version 0.1.0 that is due later than any test runs. */
const isFar = ({ nextTryAt }: KeptMessage): boolean => new Date(nextTryAt) > new Date();

/** How a node goes on with a database of version 0.1.0. */
export function keptNodeBehaviour(newSite: () => Promise<DatabaseSite>): void {
  let folder: string;
  let site: DatabaseSite;
  let running: RunningArchive;
  let webhook: MessageReceiver;
  let mail: MessageReceiver;
  let node: PansegnetNode;
  const queued: string[] = [];

  const poll = async (): Promise<void> => void queued.push(...(await node.watcher.poll()).queued);
  /** What the webhook got, without the numbers of the deliveries. */
  const webhookTexts = () =>
    webhook.received.map((body) => JSON.stringify(messageSchema.parse(JSON.parse(body))));
  const stateOf = async (study: string) => (await node.studyDetails(study))?.study.state;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'kept-node-'));
    running = await startEmbeddedArchive();
    const archive = new DicomWebClient({ url: running.url });
    await storeKeptImages(archive);
    await storeKeptResults(archive);
    [webhook, mail] = [await startWebhookReceiver(), await startMailServer()];
    site = await newSite();
    await site.load(keptDatabase());
    const config = keptNodeConfig(running.url, folder, {
      database: site.section,
      notifications: {
        events: ['failed', 'finished', 'change'],
        changePercent: 1,
        patientData: true,
        webhook: { url: `http://127.0.0.1:${webhook.port}`, secret: 'a secret of the fixtures' },
        email: {
          smtp: `smtp://127.0.0.1:${mail.port}`,
          from: 'node@example.org',
          to: ['reader@example.org'],
        },
      },
    });
    node = await startNode(config);
  }, PREPARING_MS);
  afterAll(async () => {
    await node?.stop();
    await Promise.all([webhook?.stop(), mail?.stop()]);
    await site?.remove();
    await running?.stop();
    await rm(folder, { recursive: true });
  });

  it('does what was running and what waited, and finds the same as the version before', async () => {
    for (const study of GOING_ON) await expect.poll(() => stateOf(study), PATIENCE).toBe('done');
    // A report's UID holds the version that wrote it; everything else is the same.
    const comparable = ({ report: _report, contentDateTime: _time, ...volume }: VolumeRecord) => volume;
    const after = await allVolumes(node.database);
    const goneOn = after.filter(({ studyInstanceUid }) => GOING_ON.includes(studyInstanceUid));
    expect(goneOn.map(comparable)).toEqual(keptIndex().afterwards.map(comparable));
    expect(after.filter((volume) => !goneOn.includes(volume))).toEqual(keptHistory());
  });

  it('puts nothing in the queue that was dealt with', async () => {
    for (let turn = 0; turn < 4; turn += 1) await poll();
    expect(queued).toEqual([]);
    // What is put off says when it is due, anew at each look.
    const ended = keptListings().filter(
      ({ study }) => study.studyInstanceUid !== KEPT.later && !GOING_ON.includes(study.studyInstanceUid),
    );
    for (const { study } of ended) {
      const { studyInstanceUid, state, changedAt } = study;
      const now = (await node.studyDetails(studyInstanceUid))?.study;
      expect(now).toMatchObject({ state, changedAt: new Date(changedAt) });
    }
    expect(await runsOf(node.database)).toBe(RUNS);
  });

  it('still waits for what was put off, and looks for what was announced before it came', async () => {
    expect(await announced(node.database)).toEqual([KEPT.later, KEPT.absent]);
  });

  it('delivers, once each, the messages that were not delivered yet', async () => {
    const due = keptIndex().undelivered.filter((message) => !isFar(message));
    for (const [name, { received }] of [
      ['webhook', webhook],
      ['email', mail],
    ] as const) {
      const expected = due.filter(({ channel }) => channel === name).map(({ message }) => message);
      expect(expected.length).toBeGreaterThan(1);
      const ofBefore = () => received.filter((one) => !GOING_ON.some((study) => one.includes(study)));
      // The studies that it has gone on with are told of last.
      const isTold = () => GOING_ON.every((study) => received.some((one) => one.includes(study)));
      await expect.poll(isTold, PATIENCE).toBe(true);
      await expect.poll(() => ofBefore().length, PATIENCE).toBe(expected.length);
      for (const { studyInstanceUid } of expected) {
        const told = ofBefore().filter((one) => one.includes(studyInstanceUid ?? ''));
        const wanted = expected.filter((one) => one.studyInstanceUid === studyInstanceUid);
        expect(told).toHaveLength(wanted.length);
      }
    }
    const texts = webhookTexts();
    for (const { message } of due.filter(({ channel }) => channel === 'webhook')) {
      expect(texts).toContain(JSON.stringify(messageSchema.parse(message)));
    }
  });

  it('keeps the message whose time has not come', async () => {
    const far = keptIndex().undelivered.filter(isFar);
    expect(far).toHaveLength(1);
    const kept = far.map(({ channel, eventKey, nextTryAt }) => [jobId(channel, eventKey), nextTryAt]);
    // What the node tells by itself may be on its way still.
    await expect.poll(() => waiting(node.database), PATIENCE).toEqual(kept);
    for (const { message } of far) {
      expect(webhookTexts()).not.toContain(JSON.stringify(messageSchema.parse(message)));
    }
  });
}

/** Those of version 0.1.0, and the one of the study that waited; the running one's is begun again. */
const RUNS = 14;

// What tests can only see in the tables: a change of these changes the following, and nothing else here.

async function runsOf(database: Database): Promise<number> {
  const rows = await database.query('SELECT count(*)::integer AS runs FROM pansegnet.run');
  return Number(rows[0]?.['runs']);
}

async function announced(database: Database): Promise<unknown[]> {
  const rows = await database.query('SELECT study_instance_uid FROM pansegnet.announcement ORDER BY 1');
  return rows.map((row) => row['study_instance_uid']);
}

/** The id of a message's job, without its dashes: it says which event is told on which channel. */
const jobId = (channel: string, eventKey: string): string =>
  createHash('sha256').update(`${channel} ${eventKey}`).digest('hex').slice(0, 32);

/** Undelivered messages, each with when it is tried next. */
async function waiting(database: Database): Promise<unknown[]> {
  const rows = await database.query(
    `SELECT replace(id::text, '-', '') AS id, start_after FROM pgboss.job
     WHERE name = 'notification' AND state IN ('created', 'retry', 'active') ORDER BY start_after`,
  );
  return rows.map((row) => [row['id'], (row['start_after'] as Date).toISOString()]);
}
