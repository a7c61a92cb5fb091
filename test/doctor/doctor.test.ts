import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DicomError } from '../../src/dicom/dicom-error.ts';
import type { DicomDataset } from '../../src/dicom/reading/dataset.ts';
import { type ArchiveUnderTest, checkArchive } from '../../src/doctor/check-archive.ts';
import { checkExposure } from '../../src/doctor/check-exposure.ts';
import { checkForms } from '../../src/doctor/check-forms.ts';
import { checkInference } from '../../src/doctor/check-inference.ts';
import {
  checkCores,
  checkMemory,
  checkNodeVersion,
  checkRuntime,
  checkTimeZone,
} from '../../src/doctor/check-machine.ts';
import { checkModels } from '../../src/doctor/check-models.ts';
import { checkFolder } from '../../src/doctor/check-storage.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../support/tiny-onnx.ts';

const GIB = 2 ** 30;
const NOW = new Date('2026-03-01T12:00:00Z');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'doctor-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Whatever is not well says why it matters and what to do. */
function verdicts(...findings: readonly Finding[]): string[] {
  const silent = findings.filter(
    ({ verdict, why, todo }) => verdict !== 'ok' && !(why?.endsWith('.') && todo),
  );
  expect(silent).toEqual([]);
  return findings.map(({ verdict }) => verdict);
}

describe('the doctor on the machine', () => {
  it('wants Node 24, memory for the studies at a time, cores, and a time zone', () => {
    expect(verdicts(checkNodeVersion('24.1.0'), checkNodeVersion('22.9.0'))).toEqual(['ok', 'problem']);
    const memory = [1, 4, 8].map((gib) => checkMemory(1, gib * GIB));
    expect(verdicts(...memory, checkMemory(4, 8 * GIB))).toEqual(['problem', 'warning', 'ok', 'warning']);
    expect(verdicts(checkCores(0, 8), checkCores(0, 2), checkCores(16, 8))).toEqual([
      'ok',
      'warning',
      'warning',
    ]);
    expect(verdicts(checkTimeZone('Asia/Tokyo'), checkTimeZone('UTC'), checkTimeZone('Etc/UTC'))).toEqual([
      'ok',
      'warning',
      'warning',
    ]);
  });

  it('says where the network runtime cannot be loaded', async () => {
    const broken = checkRuntime(() => Promise.reject(new Error('libstdc++.so.6: no such file')));
    expect(await broken).toMatchObject({ verdict: 'problem', what: expect.stringContaining('libstdc++') });
    expect(verdicts(await broken)).toEqual(['problem']);
  });

  it('looks at folders that are there or not, and at who else may read them', async () => {
    await mkdir(path.join(folder, 'open'), { mode: 0o755 });
    await chmod(path.join(folder, 'open'), 0o755);
    const [open] = await checkFolder('database', path.join(folder, 'open'));
    expect(open).toMatchObject({ verdict: 'warning', todo: expect.stringContaining('chmod') });
    const [absent, disk] = await checkFolder('database', path.join(folder, 'not', 'yet'));
    expect(absent).toMatchObject({ verdict: 'ok' });
    expect(disk).toMatchObject({
      check: 'disk of the database',
      what: expect.stringMatching(/GiB are free/),
    });
  });

  it('warns of an address off loopback without TLS', () => {
    const exposure = { host: '0.0.0.0', port: 80, isLoopback: false, hasTls: false, isBehindProxy: false };
    expect(verdicts(checkExposure(exposure), checkExposure({ ...exposure, hasTls: true }))).toEqual([
      'warning',
      'ok',
    ]);
    expect(verdicts(checkExposure({ ...exposure, isLoopback: true }))).toEqual(['ok']);
  });
});

describe('the doctor on models', () => {
  const names = { CT: null, T1W: null, T2W: null };

  it('checks hashes and what they are for', async () => {
    const file = await writeModel(folder, SIGN_MODEL, { 'fold_0.onnx': signNetwork(SIGN_MODEL.patchSize) });
    expect(verdicts(...(await checkModels({ folder, names: { ...names, CT: 'sign' } })))).toEqual(['ok']);
    const [wrong, absent] = await checkModels({ folder, names: { ...names, T1W: 'sign', T2W: 'absent' } });
    expect(wrong).toMatchObject({ verdict: 'problem', what: 'sign is a model for CT' });
    expect(absent).toMatchObject({ verdict: 'problem', what: expect.stringContaining("no model 'absent'") });
    await rm(path.join(file, 'fold_0.onnx'));
    expect(verdicts(...(await checkModels({ folder, names: { ...names, CT: 'sign' } })))).toEqual([
      'problem',
    ]);
    expect(verdicts(...(await checkModels({ folder, names })))).toEqual(['problem']);
  });
});

describe('the doctor on inference', () => {
  /** What this system's onnxruntime doesn't know. */
  const absent = process.platform === 'win32' ? 'coreml' : 'dml';

  it('tries what is asked for beside the CPU, and says what takes its place', async () => {
    await writeModel(folder, SIGN_MODEL, { 'fold_0.onnx': signNetwork(SIGN_MODEL.patchSize) });
    const inference = { threads: 1, modelFolder: folder, models: ['sign'] };
    expect(await checkInference({ ...inference, executionProviders: ['cpu', absent] })).toEqual([]);
    expect(await checkInference({ ...inference, executionProviders: [absent], models: [] })).toEqual([]);

    const fallen = await checkInference({ ...inference, executionProviders: [absent, 'cpu'] });
    expect(verdicts(...fallen)).toEqual(['warning']);
    expect(fallen[0]?.what).toMatch(
      /^cpu runs sign, .* per window; .*can't be used, trying 'cpu': onnxruntime/,
    );

    const alone = await checkInference({ ...inference, executionProviders: [absent] });
    expect(verdicts(...alone)).toEqual(['problem']);
  });
});

describe('the doctor on the archive', () => {
  const study: DicomDataset = { StudyInstanceUID: '1.2.3' };
  const working: ArchiveUnderTest = {
    client: {
      url: 'http://archive/dicom-web',
      searchStudies: async function* () {
        yield study;
      },
      searchSeries: async () => [{ SeriesInstanceUID: '1.2.3.4' }],
      searchInstances: async () => [{ SOPInstanceUID: '1.2.3.4.5' }],
      seriesMetadata: async () => [{}, {}],
      retrieveSeries: async function* () {
        yield new Uint8Array();
      },
      retrieveInstance: async () => new Uint8Array(),
      isStored: async () => true,
    },
    detours: [],
    watch: { lookBack: 3, pageSize: 100 },
    request: async () => ({ status: 415, date: NOW.toUTCString() }),
    now: () => NOW,
  };
  const failing = (
    code: 'DICOM_WEB_UNREACHABLE' | 'DICOM_WEB_STATUS' | 'DICOM_WEB_ANSWER',
  ): ArchiveUnderTest => ({
    ...working,
    client: {
      ...working.client,
      searchStudies: async function* () {
        yield* await Promise.reject<DicomDataset[]>(new DicomError(code, 'http://archive failed'));
      },
    },
  });

  it('asks for search, retrieval, storing and the time', async () => {
    expect(verdicts(...(await checkArchive(working)))).toEqual(['ok', 'ok', 'ok', 'ok']);
  });

  it('says once what the archive refused, with its words and what the node does instead', async () => {
    const because = new Error('http://archive answered with status 501: no such thing');
    const refusal = { refused: 'a series as a whole', instead: 'its instances one by one', because };
    const findings = await checkArchive({ ...working, detours: [refusal, refusal] });
    expect(verdicts(...findings)).toEqual(['ok', 'ok', 'ok', 'ok', 'warning']);
    expect(findings[4]?.what).toMatch(/status 501: no such thing; the node takes its instances one by one/);
  });

  it('finds a problem where one of the requests of a node fails in every way', async () => {
    const client = {
      ...working.client,
      retrieveInstance: () => Promise.reject(new DicomError('DICOM_WEB_STATUS', 'status 403')),
    };
    expect(verdicts(...(await checkArchive({ ...working, client })))).toEqual(['ok', 'problem', 'ok', 'ok']);
  });

  it('tells an archive that is down from wrong credentials and from something else that answers', async () => {
    const todos = await Promise.all(
      (['DICOM_WEB_UNREACHABLE', 'DICOM_WEB_STATUS', 'DICOM_WEB_ANSWER'] as const).map(async (code) => {
        const findings = await checkArchive(failing(code));
        expect(verdicts(...findings)).toEqual(['problem']);
        return findings[0]?.todo;
      }),
    );
    expect(new Set(todos).size).toBe(3);
  });

  it.each([
    [{ status: 404 }, 'problem', 'ok'],
    [{ status: 403 }, 'problem', 'ok'],
    [{ status: 200, date: new Date(NOW.getTime() - 300_000).toUTCString() }, 'ok', 'warning'],
  ])(
    'says where storing is not possible, and where the clocks differ: %j',
    async (answer, storing, clock) => {
      const findings = await checkArchive({
        ...working,
        request: async () => ({ date: undefined, ...answer }),
      });
      expect(verdicts(...findings).slice(2)).toEqual([storing, clock]);
    },
  );
});

describe('the forms of results', () => {
  const aws = 'https://dicom-medical-imaging.us-east-1.amazonaws.com/datastore/0123';

  it('are a problem where the maker of the archive documents that it does not take one', () => {
    expect(checkForms(aws, ['fractional', 'binary'])).toMatchObject({
      verdict: 'problem',
      what: expect.stringContaining('AWS HealthImaging'),
    });
    expect(checkForms(aws, ['labelmap']).verdict).toBe('ok');
    expect(checkForms('https://archive.example.org/dicom-web', ['binary']).verdict).toBe('ok');
  });
});
