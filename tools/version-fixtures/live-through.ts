import { setTimeout as wait } from 'node:timers/promises';
import { readInstance, sequence } from '../../src/dicom/dataset.ts';
import { writePart10 } from '../../src/dicom/results/write.ts';
import { markUndelivered } from '../../src/notifications/outbox.ts';
import { recordReview } from '../../src/pipeline/records/reviews.ts';
import { addOptOut } from '../../src/pipeline/routing/opt-out.ts';
import { announceChanged } from '../../src/pipeline/watch/changes.ts';
import { withdrawResult } from '../../src/pipeline/withdraw/withdraw-result.ts';
import { SOFTWARE_VERSION } from '../../src/version.ts';
import {
  IGNORED_SENDER,
  KEPT,
  type KeptStudy,
  keptImages,
  LATE_SENDER,
  lateSlices,
  OPTED_OUT_PATIENT,
  OPTED_OUT_STUDY,
  READER_SERIES,
} from '../../test/support/kept-studies.ts';
import type { KeptSite } from './kept-site.ts';

/** When the message is due that is kept for long: no test runs later. */
const FAR_AWAY = new Date('2099-01-01T00:00:00Z');
const ENDED = ['done', 'skipped', 'failed'];

/** Lets the node do all that its database is to tell of; at the end one study is being worked on, and one waits. */
export async function liveThrough(site: KeptSite): Promise<void> {
  const { node } = site;
  const { database, archive } = node;
  await addOptOut(database, { patientId: OPTED_OUT_PATIENT }, new Date());
  await addOptOut(database, { studyInstanceUid: OPTED_OUT_STUDY }, new Date());

  for (const study of ['found', 'corrected', 'nothingFound', 'part', 'superseding'] as const) {
    await arrive(site, study);
  }
  await archive.storeVerified(KEPT.superseding, lateSlices());
  await pollUntilEnded(site, 'superseding');
  await archive.storeVerified(KEPT.corrected, [await readersSegmentation(site)]);
  await pollUntilEnded(site, 'corrected');
  await until(async () => (await undelivered(site, 'email')).length >= 3);

  site.refuseMessages();
  for (const study of ['withdrawn', 'rejected', 'withPriors'] as const) await arrive(site, study);
  const { report } = await resultOf(site, 'withdrawn');
  const parts = { archive, database, softwareVersion: SOFTWARE_VERSION, now: () => new Date() };
  await withdrawResult({ uid: report.sopInstanceUid, reason: 'quality', comment: 'wrong organ' }, parts);
  await review(site, 'rejected', 'rejected', 'it holds the duodenum');
  await review(site, 'found', 'rejected', 'looked at the wrong study');
  await review(site, 'found', 'accepted', '');
  for (const study of ['skipped', 'optedOut', 'failed'] as const) await arrive(site, study);
  await followChanges(site);

  await archive.storeVerified(KEPT.ignored, keptImages('ignored'));
  await announce(site, 'ignored', IGNORED_SENDER);
  await until(async () => (await stateOf(site, 'ignored')) === 'skipped');
  await archive.storeVerified(KEPT.later, keptImages('later'));
  await announce(site, 'later', LATE_SENDER);
  await until(async () => (await reasonOf(site, 'later')) !== undefined);
  await announce(site, 'absent', 'CT_2');

  site.hold(KEPT.running);
  for (const study of ['running', 'queued'] as const) {
    await archive.storeVerified(KEPT[study], keptImages(study));
    const state = study;
    await until(async () => {
      await node.watcher.poll();
      return (await stateOf(site, study)) === state;
    });
  }
  await until(async () => (await undelivered(site, 'webhook')).every(({ tries }) => Number(tries) > 0));
  const last = (await undelivered(site, 'webhook')).at(-1);
  await markUndelivered(database, Number(last?.['id']), 'the webhook answered 503', FAR_AWAY);
}

async function arrive(site: KeptSite, study: KeptStudy): Promise<void> {
  await site.node.archive.storeVerified(KEPT[study], keptImages(study));
  await pollUntilEnded(site, study);
}

/** Polls until the study has ended after its last change. */
export async function pollUntilEnded(site: KeptSite, study: KeptStudy): Promise<void> {
  const before = (await site.node.studyDetails(KEPT[study]))?.study.changedAt;
  await until(async () => {
    await site.node.watcher.poll();
    const known = (await site.node.studyDetails(KEPT[study]))?.study;
    return known !== undefined && known.changedAt > (before ?? new Date(0)) && ENDED.includes(known.state);
  });
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await wait(200);
}

const stateOf = async ({ node }: KeptSite, study: KeptStudy) =>
  (await node.studyDetails(KEPT[study]))?.study.state;
const reasonOf = async ({ node }: KeptSite, study: KeptStudy) =>
  (await node.studyDetails(KEPT[study]))?.study.reason;

async function resultOf({ node }: KeptSite, study: KeptStudy) {
  const [volume] = (await node.studyDetails(KEPT[study]))?.volumes ?? [];
  if (!volume) throw new Error(`${study} has no volume`);
  return volume;
}

/** The node's SEG without its last frame, in a program of another make. */
async function readersSegmentation(site: KeptSite): Promise<Uint8Array> {
  const { seg } = await resultOf(site, 'corrected');
  if (!seg) throw new Error('nothing was found');
  const { seriesInstanceUid, sopInstanceUid } = seg;
  const bytes = await site.node.archive.retrieveInstance(KEPT.corrected, seriesInstanceUid, sopInstanceUid);
  const { dataset, frames } = readInstance(bytes, 'SEG');
  const groups = sequence(dataset, 'PerFrameFunctionalGroupsSequence').slice(0, -1);
  return writePart10({
    ...dataset,
    SOPInstanceUID: `${READER_SERIES}.1`,
    SeriesInstanceUID: READER_SERIES,
    Manufacturer: 'Reader',
    ManufacturerModelName: 'Editor',
    NumberOfFrames: String(groups.length),
    PerFrameFunctionalGroupsSequence: groups,
    PixelData: Uint8Array.from(Buffer.concat(frames).subarray(0, (groups.length * 16 * 16) / 8)).buffer,
    _vrMap: { PixelData: 'OB' },
  });
}

async function review(
  site: KeptSite,
  study: KeptStudy,
  decision: 'accepted' | 'rejected',
  reason: string,
): Promise<void> {
  const { report } = await resultOf(site, study);
  const said = { decision, reason, reviewer: 'reader', reviewedAt: new Date() };
  await recordReview(site.node.database, report.sopInstanceUid, said);
}

/** POST /api/notify, as an archive's script does. */
async function announce({ node }: KeptSite, study: KeptStudy, callingAeTitle: string): Promise<void> {
  const answer = await fetch(`${node.url}/api/notify`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ studyInstanceUid: KEPT[study], callingAeTitle }),
  });
  if (answer.status !== 202) throw new Error(`notify: ${answer.status}`);
}

/** A first look at an Orthanc's list of changes, which the site had before its present archive. */
async function followChanges({ node: { database } }: KeptSite): Promise<void> {
  const changes = {
    url: 'http://orthanc.example.org:8042',
    newest: async () => ({ sequence: 4711, entry: '4711 NewInstance', type: 'NewInstance', id: 'a' }),
    since: async () => ({ changes: [], done: true, last: 0 }),
    studiesOf: async () => [],
  };
  const log = { info: () => undefined };
  await announceChanged({ changes, database, now: () => new Date(), list: async () => 0, log });
}

function undelivered({ node }: KeptSite, channel: string) {
  return node.database.query(
    'SELECT id, tries FROM pansegnet.notification WHERE channel = $1 AND outcome IS NULL ORDER BY id',
    [channel],
  );
}
