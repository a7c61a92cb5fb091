import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import type { RunParts } from '../../src/pipeline/run/run-parts.ts';
import { runStudy } from '../../src/pipeline/run-study.ts';
import { loadModel } from '../../src/segmentation/model/model-folder.ts';
import { verifyModel } from '../../src/segmentation/verify-model.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { allVolumes } from '../../src/store/records/history.ts';
import type { VolumeRecord } from '../../src/store/records/volume-record.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { collect } from '../support/collect.ts';
import { describeDatabases } from '../support/database-sites.ts';
import { VERSION_FIXTURES } from '../support/kept-node.ts';
import { keptNodeBehaviour } from '../support/kept-node-behaviour.ts';
import { KEPT, type KeptStudy, keptImages, lateSlices, READER_SERIES } from '../support/kept-studies.ts';
import { keptHistory, keptIndex, keptRun, PREPARING_MS, storeKeptResults } from '../support/kept-version.ts';
import { keptVersionBehaviour } from '../support/kept-version-behaviour.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { storedResults } from '../support/stored-results.ts';

describeDatabases('the database of version 0.1.0', keptVersionBehaviour);
describeDatabases('a node on the database of version 0.1.0', keptNodeBehaviour);

describe('the studies of version 0.1.0, processed as if for the first time', () => {
  let folder: string;
  let running: RunningArchive;
  let archive: DicomWebClient;
  let database: Database;
  let run: RunParts;

  const process = (study: KeptStudy) =>
    runStudy({ studyInstanceUid: KEPT[study], requestId: 'arrival' }, run);
  const arrive = async (study: KeptStudy): Promise<void> => {
    await archive.storeVerified(KEPT[study], keptImages(study));
    await process(study);
  };

  // In the order in which they came to version 0.1.0.
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'first-time-'));
    running = await startEmbeddedArchive();
    archive = new DicomWebClient({ url: running.url });
    database = await openDatabase({ memory: true });
    run = await keptRun(running.url, folder, database);
    for (const study of ['found', 'corrected', 'nothingFound', 'part', 'superseding'] as const) {
      await arrive(study);
    }
    await archive.storeVerified(KEPT.superseding, lateSlices());
    await process('superseding');
    await storeKeptResults(
      archive,
      keptIndex().results.filter(({ seriesInstanceUid }) => seriesInstanceUid === READER_SERIES),
    );
    await process('corrected');
    for (const study of ['withdrawn', 'rejected', 'withPriors', 'running', 'queued'] as const) {
      await arrive(study);
    }
  }, PREPARING_MS);
  afterAll(async () => {
    await database?.close();
    await running?.stop();
    await rm(folder, { recursive: true });
  });

  it('have the UIDs, volumes and predecessors that they had', async () => {
    const all = [...keptHistory(), ...keptIndex().afterwards];
    const found = await allVolumes(database);
    expect(found.map(withoutSite).sort(byStudy)).toEqual(all.map(withoutSite).sort(byStudy));
  });

  it('leave the same objects in the archive, superseded ones too', async () => {
    const { segmentations, reports } = await storedResults(archive, Object.values(KEPT));
    const stored = [...segmentations.values(), ...reports.values()].flat();
    const kept = keptIndex().results.filter(({ file }) => !file.endsWith('.ko.dcm'));
    const afterwards = keptIndex().afterwards.flatMap(({ seg, report }) => [
      ...(seg ? [seg.sopInstanceUid] : []),
      report.sopInstanceUid,
    ]);
    const expected = [...kept.map(({ sopInstanceUid }) => sopInstanceUid), ...afterwards];
    expect(stored.sort()).toEqual(expected.sort());
  });
});

describe('what a site of version 0.1.0 has beside its database', () => {
  it('its configuration is accepted, with every key there was', async () => {
    const file = path.join(VERSION_FIXTURES, 'site.yaml');
    const site: unknown = parse(await readFile(file, 'utf8'));
    const config = loadConfig({ file, environment: {} });
    const { configurationKeys } = keptIndex();
    expect(configurationKeys).toHaveLength(114);
    for (const key of configurationKeys) {
      expect(valueAt(site, key), key).toBeDefined();
      expect(valueAt(config, key), key).toEqual(valueAt(site, key));
    }
  });

  it('its model folders are loaded, and their networks compute what they did', async () => {
    const models = path.join(VERSION_FIXTURES, 'models');
    const sha256 = keptHistory().map(({ model }) => model.sha256);
    expect(sha256).toContain((await loadModel('small-ct', [models])).sha256);
    expect(sha256).toContain((await loadModel('small-t2w', [models])).sha256);
    const imported = await loadModel('imported', [models]);
    const [network, ...others] = await collect(verifyModel(imported, { threads: 1 }));
    expect(others).toEqual([]);
    expect(network?.selfTest).toMatchObject({ passed: true });
  });
});

/**
 * What does not depend on where and when the node ran: patient keys hold a secret; a withdrawal is not
 * repeated here.
 */
const withoutSite = ({
  patientKey: _key,
  contentDateTime: _time,
  withdrawn: _withdrawn,
  correction,
  ...volume
}: VolumeRecord) => ({
  ...volume,
  correction: correction && { ...correction, contentDateTime: undefined },
});

const byStudy = (a: { studyInstanceUid: string }, b: { studyInstanceUid: string }): number =>
  a.studyInstanceUid < b.studyInstanceUid ? -1 : 1;

const valueAt = (tree: unknown, key: string): unknown =>
  key.split('.').reduce<unknown>((below, name) => (below as Record<string, unknown>)[name], tree);
