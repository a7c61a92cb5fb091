import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { rebuildHistory } from '../../src/pipeline/rebuild/rebuild-history.ts';
import { runStudy } from '../../src/pipeline/run-study.ts';
import { readReport } from '../../src/sr/read-report.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { findStudyListing } from '../../src/store/records/find-studies.ts';
import { allVolumes } from '../../src/store/records/history.ts';
import { optOutReason } from '../../src/store/records/opt-out.ts';
import { patientKeys } from '../../src/store/records/patient-key.ts';
import { PLACEHOLDER_IDS } from '../../src/store/records/placeholder.ts';
import { STUDY_STATES } from '../../src/store/records/study-log.ts';
import { trackingUids } from '../../src/store/records/tracking-uid.ts';
import { startEmbeddedArchive } from './archives.ts';
import { collect } from './collect.ts';
import type { DatabaseSite } from './database-sites.ts';
import { KEPT, OPTED_OUT_PATIENT, OPTED_OUT_STUDY, READER_SERIES } from './kept-studies.ts';
import {
  keptBytes,
  keptDatabase,
  keptHistory,
  keptIndex,
  keptListings,
  keptRun,
  PREPARING_MS,
  storeKeptImages,
  storeKeptResults,
} from './kept-version.ts';
import type { RunningArchive } from './running-archive.ts';

/**
 * Studies whose results an archive gets back when it has lost them. What was withdrawn stays away, and the
 * report of `rejected` is superseded, as it was compared with the one that was withdrawn.
 */
const FOUND_AGAIN = ['found', 'withPriors', 'corrected', 'nothingFound', 'superseding', 'part'] as const;

/** What this version finds in, and does with, a database that version 0.1.0 left behind. */
export function keptVersionBehaviour(newSite: () => Promise<DatabaseSite>): void {
  let folder: string;
  let site: DatabaseSite;
  let database: Database;
  const archives: RunningArchive[] = [];

  const newArchive = async () => {
    const running = await startEmbeddedArchive();
    archives.push(running);
    return { url: running.url, archive: new DicomWebClient({ url: running.url }) };
  };

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'kept-version-'));
    site = await newSite();
    await site.load(keptDatabase());
    database = await site.open();
  }, PREPARING_MS);
  afterAll(async () => {
    await database?.close();
    await site?.remove();
    for (const running of archives) await running.stop();
    await rm(folder, { recursive: true });
  });

  it('the volume history is the same', async () => {
    expect(await allVolumes(database)).toEqual(keptHistory());
  });

  it('every study is where it was, with its decisions, reviews, header and progress', async () => {
    const listings = keptListings();
    const states = listings.map(({ study }) => study.state);
    expect(states.filter((state) => state === 'done')).toHaveLength(8);
    expect(new Set(states)).toEqual(new Set(STUDY_STATES));
    for (const listing of listings) {
      const found = await findStudyListing(database, listing.study.studyInstanceUid);
      expect(JSON.parse(JSON.stringify(found))).toMatchObject({ ...listing });
    }
  });

  it('who opted out stays out', async () => {
    const reasonOf = (study: string, patientId: string) =>
      optOutReason(database, study, [{ patientId, issuer: undefined }]);
    expect(await reasonOf('2.25.1', OPTED_OUT_PATIENT)).toMatch(/patient/);
    expect(await reasonOf(OPTED_OUT_STUDY, 'P-1')).toMatch(/study/);
    expect(await reasonOf('2.25.1', 'P-1')).toBeUndefined();
  });

  it('patients have the tracking UIDs that they had; who is new gets one that is made with a secret', async () => {
    const keyOf = await patientKeys(database);
    const trackingUid = await trackingUids(database, keyOf, PLACEHOLDER_IDS, null);
    const patient = { issuer: undefined, studyInstanceUid: KEPT.found };
    // That is: the one made of the PatientID alone, as version 0.1.0 did.
    expect(await trackingUid({ ...patient, patientId: 'P-1' })).toBeUndefined();
    expect(await trackingUid({ ...patient, patientId: 'P-NEW' })).toMatch(/^2\.25\./);
  });

  it('its stored reports give the same history again', async () => {
    const { archive } = await newArchive();
    await storeKeptResults(archive);
    const fresh = await openDatabase({ memory: true });
    try {
      const [secret] = await database.query(
        "SELECT value FROM pansegnet.setting WHERE name = 'patient-key-secret'",
      );
      await fresh.query("INSERT INTO pansegnet.setting VALUES ('patient-key-secret', $1)", [
        secret?.['value'],
      ]);
      const rebuilt = await rebuildHistory({
        archive,
        database: fresh,
        patientKey: await patientKeys(fresh),
        pageSize: 100,
        now: () => new Date(),
        warn: (_, message) => expect.fail(message),
      });
      const reports = keptIndex().results.filter(({ file }) => file.endsWith('.sr.dcm'));
      // Patients keep the tracking UID that their reports give them.
      const [first] = reports;
      const kept = first && readReport(await keptBytes(first));
      if (!kept) throw new TypeError('no report');
      const keyOf = await patientKeys(fresh);
      const rebuiltUid = await trackingUids(fresh, keyOf, PLACEHOLDER_IDS, null);
      const { studyInstanceUid } = kept;
      expect(await rebuiltUid({ ...kept.patient, studyInstanceUid })).toBe(kept.trackingUid);
      expect(rebuilt).toMatchObject({ reports: reports.length, volumes: keptHistory().length, kept: 0 });
      expect(await allVolumes(fresh)).toEqual(keptHistory());
    } finally {
      await fresh.close();
    }
  });

  // The last one: runs go on in the database.
  it('results that the archive lost come back byte for byte, under their UIDs', async () => {
    const results = keptIndex().results.filter(({ study }) => FOUND_AGAIN.some((one) => one === study));
    const { url, archive } = await newArchive();
    await storeKeptImages(archive);
    // What a reader stored is not the node's to make again.
    await storeKeptResults(
      archive,
      results.filter(({ seriesInstanceUid }) => seriesInstanceUid === READER_SERIES),
    );
    const run = await keptRun(url, folder, database);
    for (const study of FOUND_AGAIN) {
      await runStudy({ studyInstanceUid: KEPT[study], requestId: 'again' }, run);
    }
    expect(await allVolumes(database)).toEqual(keptHistory());
    const standing = keptHistory().flatMap(({ seg, report }) => [seg?.sopInstanceUid, report.sopInstanceUid]);
    const expected = results.filter(({ sopInstanceUid }) => standing.includes(sopInstanceUid));
    expect(expected).toHaveLength(2 * FOUND_AGAIN.length - 1);
    for (const result of expected) {
      const { studyInstanceUid, seriesInstanceUid } = result;
      const [stored] = await collect(archive.retrieveSeries(studyInstanceUid, seriesInstanceUid));
      expect(Buffer.compare(stored ?? Buffer.of(), await keptBytes(result)), result.file).toBe(0);
    }
  });
}
