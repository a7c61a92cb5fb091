import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { candidatesAnswer, modelsAnswer } from '../../src/http/api/model-answers.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { allVolumes } from '../../src/store/records/history.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { expectedOf, quicken, spotSeries, writeCandidates } from '../support/candidate-studies.ts';
import { PATIENCE } from '../support/patience.ts';
import { runCli } from '../support/run-cli.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { type ServeProcess, serve } from '../support/serve-process.ts';
import { SMALL_SERIES_RULES } from '../support/small-series.ts';
import { storedResults } from '../support/stored-results.ts';

const [FIRST, SECOND, THIRD] = ['2.25.9201', '2.25.9202', '2.25.9203'] as const;
const FALL = 2;

let folder: string;
let file: string;
let archive: RunningArchive;
let client: DicomWebClient;
let node: ServeProcess;

const siteFile = async (models: Readonly<Record<string, unknown>>): Promise<void> => {
  const configuration = {
    archive: { kind: 'dicomweb', url: archive.url },
    database: { folder: path.join(folder, 'database') },
    audit: { folder: path.join(folder, 'audit') },
    intake: { spoolFolder: path.join(folder, 'spool') },
    watch: { schedule: '* * * * * *', lookBack: 'all', stableForSeconds: 0 },
    selection: { siteRules: SMALL_SERIES_RULES },
    models: { folder: path.join(folder, 'models'), ...models },
    inference: { threads: 1 },
    http: { port: 0 },
    log: { level: 'info' },
  };
  await writeFile(file, stringify(configuration));
};

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gives-way-'));
  file = path.join(folder, 'site.yaml');
  archive = await startEmbeddedArchive();
  client = new DicomWebClient({ url: archive.url });
  await writeCandidates(path.join(folder, 'models'));
  await siteFile({ CT: 'old', candidates: { CT: 'slow' } });
  node = serve(file);
  await node.says(/the node is running/);
});
afterAll(async () => {
  await node?.kill();
  await archive?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Of one patient, a year after the other. */
const send = (study: string) =>
  client.storeVerified(
    study,
    spotSeries(study, FALL, {
      PatientID: 'P-92',
      PatientBirthDate: '19600102',
      PatientSex: 'F',
      StudyDate: `202${study.at(-1)}0301`,
    }),
  );

async function ask<T>(address: string, form: z.ZodType<T>): Promise<T> {
  const { url, token } = JSON.parse(
    await readFile(path.join(folder, 'database', 'local-access.json'), 'utf8'),
  );
  const response = await fetch(`${url}${address}`, { headers: { Authorization: `Bearer ${token}` } });
  return form.parse(await response.json());
}

const report = () => ask('/api/candidates', candidatesAnswer);
const studyForm = z.object({ state: z.string() });
const studyState = async (study: string) =>
  (await ask(`/api/studies/${study}`, z.object({ study: studyForm }))).study.state;

async function said(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(...args, '--config', file);
  expect(code, stderr).toBe(0);
  return stdout;
}

const begins = (log: string): number => log.match(/a candidate begins/g)?.length ?? 0;

describe('a study that comes while a candidate is at work', () => {
  it('is processed at once: the candidate gives way, and begins again behind it', async () => {
    await send(FIRST);
    await node.says(/a candidate begins/);
    expect(await studyState(FIRST)).toBe('done');
    await send(SECOND);
    await expect.poll(() => studyState(SECOND).catch(() => ''), PATIENCE).toBe('done');
    // The candidate would have taken minutes.
    expect((await report()).open).toMatchObject([{ candidate: 'slow', waiting: 2, failed: 0 }]);
    await expect.poll(() => begins(node.log()), PATIENCE).toBeGreaterThan(1);
  });

  it('that is killed in the middle goes on after the start, and leaves each result once', async () => {
    await node.kill();
    await quicken(path.join(folder, 'models'));
    node = serve(file);
    await node.says(/the node is running/);
    await expect.poll(async () => (await report()).open, PATIENCE).toEqual([]);
    const { groups } = await report();
    expect(groups).toMatchObject([{ images: 2, studies: 2, candidate: { name: 'slow' } }]);
    for (const { dice } of groups[0]?.cases ?? []) expect(dice).toBeCloseTo(expectedOf(FALL).dice, 9);
    const { segmentations, reports } = await storedResults(client, [FIRST, SECOND]);
    for (const uids of [...segmentations.values(), ...reports.values()]) expect(uids).toHaveLength(1);
  });
});

describe('models promote', () => {
  it('makes the candidate the model in use from the next study on, without a restart', async () => {
    expect(await said('models', 'list')).toMatch(/^new [^[]*\nold .*\[in use\]\nslow .*\[candidate\]\n/);
    const words = await said(
      'models',
      'promote',
      'new',
      '--because',
      'it finds less',
      '--by',
      'radiology-it',
    );
    expect(words).toContain('new, version 1.0.0, is in use for CT from the next study on');
    expect(words).toContain(
      'the configuration names old at models.CT, which is used again when a node starts',
    );
    expect(words).toContain('history remeasure --model new');
    expect(await said('models', 'list')).toMatch(
      /^new .*\[in use, promoted .* by radiology-it: it finds less\]\nold [^[]*\nslow .*\[candidate\]\n/,
    );
    expect(await said('models', 'promote', 'new')).toContain('is in use for CT already');
    await send(THIRD);
    await expect.poll(() => studyState(THIRD).catch(() => ''), PATIENCE).toBe('done');
    const history = z.array(
      z.object({ studyInstanceUid: z.string(), model: z.object({ name: z.string() }) }),
    );
    const volumes = history.parse(JSON.parse(await said('history', '--json')));
    expect(volumes.map(({ studyInstanceUid, model }) => [studyInstanceUid, model.name])).toEqual(
      expect.arrayContaining([
        [FIRST, 'old'],
        [SECOND, 'old'],
        [THIRD, 'new'],
      ]),
    );
  });

  it('and what it measures again makes one line of the years before and after', async () => {
    const before = await storedResults(client, [FIRST, SECOND, THIRD]);
    await said('history', 'remeasure', '--model', 'new', '--yes');
    const [{ patientKey } = { patientKey: '' }] = z
      .array(z.object({ patientKey: z.string() }))
      .parse(JSON.parse(await said('history', '--json')));
    const trendForm = z.object({
      model: z.object({ name: z.string() }),
      replaced: z.boolean().optional(),
      points: z.array(z.object({ studyInstanceUid: z.string() })),
    });
    const lines = async () => {
      const { trends } = await ask(
        `/api/patients/${patientKey}/volumes`,
        z.object({ trends: z.array(trendForm) }),
      );
      const named = trends.toSorted((a, b) => (a.model.name < b.model.name ? -1 : 1));
      return named.map(({ model, replaced, points }) => [
        model.name,
        replaced ?? false,
        points.map(({ studyInstanceUid }) => studyInstanceUid),
      ]);
    };
    await expect.poll(lines, PATIENCE).toEqual([
      ['new', false, [FIRST, SECOND, THIRD]],
      ['old', true, [FIRST, SECOND]],
    ]);
    expect(await storedResults(client, [FIRST, SECOND, THIRD])).toEqual(before);
  });

  it('is in the audit log, with who, what and why', async () => {
    const { url, token } = JSON.parse(
      await readFile(path.join(folder, 'database', 'local-access.json'), 'utf8'),
    );
    const day = new Date().toISOString().slice(0, 10);
    const answer = await fetch(`${url}/api/audit/${day}`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    const messages = await answer.text();
    expect(messages).toContain('Software Configuration');
    expect(messages).toContain('radiology-it');
    expect(messages).toContain('models.CT: new');
    expect(messages).toContain(Buffer.from('it finds less').toString('base64'));
    await said('audit', 'verify');
  });

  it('is warned of by doctor where the file names another, which wins at the next start', async () => {
    const findings = async () => {
      const { stdout } = await runCli('doctor', '--json', '--config', file);
      const form = z.object({ findings: z.array(z.object({ what: z.string(), verdict: z.string() })) });
      return form.parse(JSON.parse(stdout)).findings.filter(({ what }) => what.includes('was promoted on'));
    };
    const warned = [{ verdict: 'warning', what: expect.stringContaining('names old at models.CT') }];
    expect(await findings()).toEqual(warned);
    await node.stop();
    expect(await findings()).toEqual(warned);
    node = serve(file);
    await node.says(/takes the place of the model that was promoted/);
    await node.says(/the node is running/);
    const [ct] = (await ask('/api/models', modelsAnswer)).models;
    expect(ct).toMatchObject({ inUse: 'old', promotion: { model: 'new', overruledBy: 'old' } });
    expect(await said('models', 'list')).toMatch(/^new [^[]*\nold .*\[in use\]\n/);
  });

  it('stands where the file names the same, or none', async () => {
    await said('models', 'promote', 'new');
    await node.stop();
    await siteFile({ CT: null });
    node = serve(file);
    await node.says(/the node is running/);
    const [ct] = (await ask('/api/models', modelsAnswer)).models;
    expect(ct).toMatchObject({ inUse: 'new', configured: null });
    await node.stop();
    const database = await openDatabase({ folder: path.join(folder, 'database') });
    try {
      // Each class, study and model once, whatever was killed: two studies by both models, the third by one.
      expect(await allVolumes(database)).toHaveLength(5);
    } finally {
      await database.close();
    }
  });
});
