import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { hashedIdentifier } from '../../src/logging/identifiers.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { findPatientData } from '../support/patient-data.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { writeSmallModels } from '../support/small-models.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from '../support/small-series.ts';
import { startTestNode, type TestNode } from '../support/test-node.ts';

const PATIENT = {
  PatientName: 'Quetzalcoatl^Xochitl',
  PatientID: 'PX-7731904',
  PatientBirthDate: '19330711',
  OtherPatientIDs: 'PX-7731904',
};
const GOOD = '1.2.276.0.7230010.3.1.2.4711.1';
const GAP = '1.2.276.0.7230010.3.1.2.4711.2';
const NO_MODEL = '1.2.276.0.7230010.3.1.2.4711.3';
const BROKEN = '1.2.276.0.7230010.3.1.2.4711.4';
const KEY = 'the key of this test';

describe('the log of a node', () => {
  let folder: string;
  let archive: RunningArchive;
  let testNode: TestNode;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'logs-'));
    archive = await startEmbeddedArchive();
    testNode = await startTestNode(archive.url, {
      models: { ...(await writeSmallModels(path.join(folder, 'models'))), T1W: 'not-there' },
      selection: { rules: null, siteRules: SMALL_SERIES_RULES },
      log: { level: 'trace', file: path.join(folder, 'node.log'), key: KEY },
    });
  });
  afterAll(async () => {
    await testNode?.stop();
    await archive?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('holds nothing of the patient, whatever ends well or badly, and UIDs only hashed', async () => {
    const node = testNode.node();
    const client = new DicomWebClient({ url: archive.url });
    const t1 = { Modality: 'MR', SeriesDescription: 't1 vibe', SOPClassUID: '1.2.840.10008.5.1.4.1.1.4' };
    await client.storeVerified(GOOD, smallCtSeries(GOOD, PATIENT));
    await client.storeVerified(GAP, smallCtSeries(GAP, PATIENT).toSpliced(5, 1));
    await client.storeVerified(NO_MODEL, smallCtSeries(NO_MODEL, { ...PATIENT, ...t1 }));
    // The patient's name where a number belongs: messages quote what they cannot read.
    const misplaced = { ...PATIENT, PixelSpacing: undefined, RescaleSlope: 'abc' };
    await client.storeVerified(BROKEN, smallCtSeries(BROKEN, misplaced));
    const studies = [GOOD, GAP, NO_MODEL, BROKEN];
    const ended = Promise.all(studies.map((study) => node.studyEnded(study)));
    await node.watcher.poll();
    await node.watcher.poll();
    await ended;
    expect((await node.studyDetails(GOOD))?.study.state).toBe('done');
    for (const study of studies.slice(1)) {
      expect((await node.studyDetails(study))?.study.state).toBe('failed');
    }
    await fetch(`${node.url}/api/studies/${GOOD}`);
    await fetch(`${node.url}/api/studies/${GOOD}/process?name=${PATIENT.PatientName}`, {
      method: 'POST',
      body: JSON.stringify(PATIENT),
      headers: { 'Content-Type': 'application/json', Authorization: 'Bearer never-to-be-seen' },
    });
    await archive.halt();
    await expect(node.watcher.poll()).rejects.toThrow(/ECONNREFUSED/);
    await testNode.restart();
    await archive.resume();

    const log = await readFile(path.join(folder, 'node.log'), 'utf8');
    for (const study of studies) expect(log).toContain(hashedIdentifier(study, KEY));
    expect(findPatientData(log)).toBeUndefined();
    expect(log).not.toContain('4711');
    expect(log).not.toContain('never-to-be-seen');
    expect(log).not.toContain(KEY);
    for (const line of log.trim().split('\n')) JSON.parse(line);
  });

  it('is looked through by a check that finds names, IDs and birth dates', () => {
    for (const value of ['Doe^Jane', 'Müller^Zoë', ...Object.values(PATIENT)]) {
      expect(findPatientData(`{"msg":"cannot read ${value}"}`)).toContain(value);
    }
  });
});
