import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startNode } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { checkDatabase } from '../../src/doctor/check-database.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { type OrthancServer, startOrthanc } from '../support/orthanc.ts';
import { describeWith } from '../support/requires.ts';
import { runCli } from '../support/run-cli.ts';
import { smallCtSeries } from '../support/small-series.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../support/tiny-onnx.ts';

const reportSchema = z.object({
  problems: z.int(),
  findings: z.array(
    z.object({
      check: z.string(),
      verdict: z.enum(['ok', 'warning', 'problem']),
      what: z.string(),
      why: z.string().optional(),
      todo: z.string().optional(),
    }),
  ),
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'doctor-'));
  await writeModel(folder, SIGN_MODEL, { 'fold_0.onnx': signNetwork(SIGN_MODEL.patchSize) });
});
afterAll(() => rm(folder, { recursive: true }));

describe('the doctor on the database', () => {
  const nobody = () => Promise.reject(new Error('connection refused'));

  it('changes nothing, and asks the node that owns the folder', async () => {
    const place = { folder: path.join(folder, 'looked-at') };
    const absent = { verdict: 'ok', what: expect.stringContaining('there is none yet') };
    expect(await checkDatabase(place, nobody)).toMatchObject([absent]);
    const database = await openDatabase(place);
    const beside = await checkDatabase(place, async () => ({ archive: false, queue: true }));
    expect(beside).toMatchObject([{ verdict: 'ok' }, { check: 'running node: archive', verdict: 'problem' }]);
    expect(await checkDatabase(place, nobody)).toMatchObject([{ verdict: 'warning' }]);
    await database.query('UPDATE pansegnet.schema_version SET version = version - 1');
    await database.close();
    const older = { verdict: 'ok', what: expect.stringContaining('the next start brings it to') };
    expect(await checkDatabase(place, nobody)).toMatchObject([older]);
    expect(await checkDatabase(place, nobody)).toMatchObject([older]);
  });

  it('names the server that cannot be reached, without the password', async () => {
    const url = 'postgresql://me:topsecret@127.0.0.1:1/none';
    const findings = await checkDatabase({ url, connections: 1 }, nobody);
    expect(findings).toMatchObject([{ verdict: 'problem', why: expect.anything(), todo: expect.anything() }]);
    expect(JSON.stringify(findings)).not.toContain('topsecret');
  });
});

describeWith(['Orthanc'], 'doctor beside Orthanc', () => {
  let orthanc: OrthancServer;
  let site: string;

  beforeAll(async () => {
    orthanc = await startOrthanc();
    await new DicomWebClient({ url: orthanc.url }).storeVerified('2.25.990', smallCtSeries('2.25.990'));
    site = path.join(folder, 'site.yaml');
    await writeFile(site, JSON.stringify(siteConfig()));
  });
  afterAll(() => orthanc?.stop());

  const siteConfig = () => ({
    archive: { kind: 'dicomweb', url: orthanc.url },
    database: { folder: path.join(folder, 'database') },
    audit: { folder: path.join(folder, 'audit') },
    intake: { spoolFolder: path.join(folder, 'spool') },
    models: { folder, CT: 'sign' },
    http: { port: 0 },
  });
  const doctor = async (file: string) => {
    const { code, stdout } = await runCli('doctor', '--json', '--config', file);
    const { findings, problems } = reportSchema.parse(JSON.parse(stdout));
    for (const { check, verdict, why, todo } of findings) {
      expect([why !== undefined, todo !== undefined], check).toEqual([verdict !== 'ok', verdict !== 'ok']);
    }
    expect(problems).toBe(findings.filter(({ verdict }) => verdict === 'problem').length);
    const verdictOf = (name: string) => findings.find(({ check }) => check === name)?.verdict;
    return { code, findings, verdictOf };
  };

  it('finds everything in order that is, and exits with 0', async () => {
    const { code, findings, verdictOf } = await doctor(site);
    expect([code, findings.filter(({ verdict }) => verdict === 'problem')]).toEqual([0, []]);
    for (const what of ['search (QIDO-RS)', 'retrieval (WADO-RS)', 'storing (STOW-RS)', 'clock']) {
      expect(verdictOf(`archive: ${what}`), what).toBe('ok');
    }
    expect([verdictOf('model for CT'), verdictOf('network runtime')]).toEqual(['ok', 'ok']);
  });

  it('works beside a running node, which says for itself what it can use', async () => {
    const overrides = { ...siteConfig(), log: { level: 'silent' }, health: { cacheSeconds: 0 } };
    const node = await startNode(loadConfig({ environment: {}, overrides }));
    try {
      const { code, findings } = await doctor(site);
      expect(code).toBe(0);
      const answer = expect.stringContaining('in use by the running node, which answers');
      expect(findings).toContainEqual({ check: 'database', verdict: 'ok', what: answer });
    } finally {
      await node.stop();
    }
  });

  it('exits with 1 and says what to do where the archive is something else, or the configuration is wrong', async () => {
    const elsewhere = path.join(folder, 'elsewhere.yaml');
    await writeFile(
      elsewhere,
      JSON.stringify({ ...siteConfig(), archive: { kind: 'dicomweb', url: orthanc.restUrl } }),
    );
    const wrongPath = await doctor(elsewhere);
    expect([wrongPath.code, wrongPath.verdictOf('archive: search (QIDO-RS)')]).toEqual([1, 'problem']);
    const wrong = path.join(folder, 'wrong.yaml');
    await writeFile(wrong, 'watch: { lookbak: 3 }');
    const { code, verdictOf } = await doctor(wrong);
    expect([code, verdictOf('configuration')]).toEqual([1, 'problem']);
    const { stdout } = await runCli('doctor', '--config', wrong);
    expect(stdout).toMatch(
      /^problem {2}configuration: [^]*watch\.lookbak[^]*why it matters: [^]*what to do: /m,
    );
  });
});
