import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { composeRun } from '../../src/compose/run.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { messageSchema } from '../../src/exchange/notifications/message.ts';
import type { RunParts } from '../../src/pipeline/run/run-parts.ts';
import type { Database } from '../../src/store/database/sql.ts';
import type { StudyListing } from '../../src/store/records/find-studies.ts';
import type { VolumeRecord } from '../../src/store/records/volume-record.ts';
import { keptNodeConfig, VERSION_FIXTURES } from './kept-node.ts';
import { KEPT, type KeptStudy, keptImages, lateSlices } from './kept-studies.ts';

/** For making databases and archives of the fixtures, on a machine that is busy with other work. */
export const PREPARING_MS = 600_000;

/** One stored object of the fixtures. */
export interface KeptResult {
  readonly file: string;
  readonly study: KeptStudy;
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly sopInstanceUid: string;
}

interface KeptIndex {
  readonly version: string;
  readonly results: readonly KeptResult[];
  /** Of the studies that were running and waiting: what the version made of them when it was let go on. */
  readonly afterwards: readonly VolumeRecord[];
  readonly undelivered: readonly KeptMessage[];
  readonly configurationKeys: readonly string[];
}

export interface KeptMessage {
  readonly eventKey: string;
  readonly channel: string;
  readonly message: ReturnType<typeof messageSchema.parse>;
  readonly nextTryAt: string;
}

const json = (name: string): unknown =>
  JSON.parse(readFileSync(path.join(VERSION_FIXTURES, `${name}.json`), 'utf8'));

export const keptIndex = (): KeptIndex => json('index') as KeptIndex;
export const keptHistory = (): VolumeRecord[] => json('history') as VolumeRecord[];
/** As JSON: times are texts. */
export const keptListings = (): StudyListing[] => json('studies') as StudyListing[];
export const keptDatabase = (): string =>
  readFileSync(path.join(VERSION_FIXTURES, '../databases/schema-5.sql'), 'utf8');
export const keptBytes = ({ file }: KeptResult): Promise<Uint8Array> =>
  readFile(path.join(VERSION_FIXTURES, 'results', file));

/** As an archive that had been there all the time would hold them: every study with all of its images. */
export async function storeKeptImages(archive: DicomWebClient): Promise<void> {
  for (const [study, uid] of Object.entries(KEPT) as [KeptStudy, string][]) {
    const images = [...keptImages(study), ...(study === 'superseding' ? lateSlices() : [])];
    if (images.length > 0) await archive.storeVerified(uid, images);
  }
}

export async function storeKeptResults(
  archive: DicomWebClient,
  results: readonly KeptResult[] = keptIndex().results,
): Promise<void> {
  for (const result of results) {
    await archive.storeVerified(result.studyInstanceUid, [await keptBytes(result)]);
  }
}

/**
 * The main path as the kept site has it. Results are those of the kept version, in name, mode and format: all
 * are part of what a result is, and so of its UID.
 */
export async function keptRun(archiveUrl: string, folder: string, database: Database): Promise<RunParts> {
  const archive = new DicomWebClient({ url: archiveUrl });
  const run = await composeRun(keptNodeConfig(archiveUrl, folder), { archive, database, warn: () => {} });
  return {
    ...run,
    mode: 'exact',
    settings: { ...run.settings, softwareVersion: keptIndex().version, resultFormat: '3' as const },
  };
}
