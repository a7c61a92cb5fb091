import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { importDemoModels } from '../../src/demo/demo-models.ts';
import { Random } from '../../src/demo/phantom/random.ts';
import { text } from '../../src/dicom/reading/dataset.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { candidatesAnswer } from '../../src/http/api/model-answers.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { comparedCandidates } from '../../src/store/records/candidates.ts';
import { allVolumes } from '../../src/store/records/history.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { DEMO_MODELS } from '../support/demo-models.ts';
import { demoPatient } from '../support/demo-patients.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { type ServeProcess, serve } from '../support/serve-process.ts';

const STUDIES = 20;
const KILLS = 12;
/** Another each time; printed: `KILLS_SEED=4711 npm run test:kills`. */
const SEED = Number(process.env['KILLS_SEED'] ?? Date.now() % 100_000);
/** A process is killed at a random moment up to so long after it was ready: within studies and candidates. */
const RUNNING_MS = 25_000;
const SETTLE_LIMIT_MS = 1_500_000;
const LOOK_MS = 2_000;

const modelJson = z.looseObject({ name: z.string(), normalization: z.looseObject({ mean: z.number() }) });

/** The demo's network for CT as a candidate: it sees every value a little darker. */
async function writeCandidate(models: string): Promise<void> {
  await mkdir(models, { recursive: true });
  await cp(path.join(DEMO_MODELS, 'demo-ct'), path.join(models, 'demo-ct'), { recursive: true });
  const folder = path.join(models, 'candidate');
  await cp(path.join(DEMO_MODELS, 'demo-ct'), folder, { recursive: true });
  for (const mode of ['', '.fast', '.quick'])
    await rm(path.join(folder, `calibration${mode}.json`), { force: true });
  const file = path.join(folder, 'model.json');
  const info = modelJson.parse(JSON.parse(await readFile(file, 'utf8')));
  const { normalization } = info;
  const darker = { ...normalization, mean: normalization.mean + 12 };
  await writeFile(file, JSON.stringify({ ...info, name: 'candidate', normalization: darker }));
}

describe(`a candidate on ${STUDIES} studies like the demo's, killed ${KILLS} times (seed ${SEED})`, () => {
  let folder: string;
  let archive: RunningArchive;
  let node: ServeProcess;
  const patients = Array.from({ length: STUDIES }, (_, number) => demoPatient(number));

  beforeAll(async () => {
    await importDemoModels(DEMO_MODELS, { anew: false });
    folder = await mkdtemp(path.join(tmpdir(), 'candidate-kills-'));
    archive = await startEmbeddedArchive();
    await writeCandidate(path.join(folder, 'models'));
    const configuration = {
      archive: { kind: 'dicomweb', url: archive.url },
      database: { folder: path.join(folder, 'database') },
      audit: { folder: path.join(folder, 'audit') },
      intake: { spoolFolder: path.join(folder, 'spool') },
      watch: { schedule: '* * * * * *', lookBack: 'all', stableForSeconds: 0 },
      models: { folder: path.join(folder, 'models'), CT: 'demo-ct', candidates: { CT: 'candidate' } },
      queue: { takeovers: KILLS, retryDelaySeconds: 1, retryDelayMaxSeconds: 2 },
      http: { port: 0 },
    };
    await writeFile(path.join(folder, 'site.yaml'), stringify(configuration));
  });
  afterAll(async () => {
    await node?.kill();
    await archive?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const start = async (): Promise<void> => {
    node = serve(path.join(folder, 'site.yaml'));
    await node.says(/the node is running/);
  };

  async function ask(address: string): Promise<Response> {
    const access = path.join(folder, 'database', 'local-access.json');
    const { url, token } = JSON.parse(await readFile(access, 'utf8'));
    return fetch(`${url}${address}`, { headers: { Authorization: `Bearer ${token}` } });
  }
  const report = async () => candidatesAnswer.parse(await (await ask('/api/candidates')).json());

  it('compares each once; page, API and database say the same, and the archive holds nothing of it', async () => {
    const random = new Random(SEED);
    const client = new DicomWebClient({ url: archive.url });
    await start();
    let sent = 0;
    for (let kill = 1; kill <= KILLS; kill++) {
      for (; sent < (kill * STUDIES) / KILLS; sent++) {
        const { studyInstanceUid, instances } = patients[sent] ?? demoPatient(sent);
        await client.storeVerified(studyInstanceUid, [...instances()]);
      }
      await wait(random.uniform(0, RUNNING_MS));
      await node.kill();
      await start();
    }
    const limit = Date.now() + SETTLE_LIMIT_MS;
    let answer = await report();
    while ((answer.groups[0]?.images !== STUDIES || answer.open.length > 0) && Date.now() < limit) {
      await wait(LOOK_MS);
      answer = await report();
    }
    const [group, ...others] = answer.groups;
    expect(others).toEqual([]);
    expect(answer.open).toEqual([]);
    expect(group).toMatchObject({ studies: STUDIES, images: STUDIES });
    const page = await (await ask('/candidates')).text();
    const { dice, volumes, cases = [] } = group ?? {};
    expect(page).toContain(
      `mean ${dice?.mean?.toFixed(3)}, median ${dice?.median?.toFixed(3)}, lowest ${dice?.lowest?.toFixed(3)}`,
    );
    expect(page).toContain(`${Math.abs(volumes?.bias ?? 0).toFixed(1)} ml`);
    for (const one of cases) expect(page).toContain(`/studies/${one.studyInstanceUid}?result=${one.report}`);
    console.log(
      `Dice ${dice?.mean?.toFixed(3)} (lowest ${dice?.lowest?.toFixed(3)}), ` +
        `bias ${volumes?.bias.toFixed(1)} ml, ` +
        `limits ${volumes?.lowerLimit.toFixed(1)} and ${volumes?.upperLimit.toFixed(1)} ml`,
    );
    for (const { studyInstanceUid } of patients) {
      const series = await client.searchSeries(studyInstanceUid);
      expect(series.map((one) => text(one, 'Modality') ?? '').toSorted()).toEqual(['CT', 'SEG', 'SR']);
    }
    await node.stop();
    const database = await openDatabase({ folder: path.join(folder, 'database') });
    try {
      const rows = await comparedCandidates(database);
      const told = (study: string, of: number) => `${study} ${of}`;
      expect(rows.map((row) => told(row.studyInstanceUid, row.result.dice)).toSorted()).toEqual(
        cases.map((one) => told(one.studyInstanceUid, one.dice)).toSorted(),
      );
      const history = await allVolumes(database);
      expect(history.map(({ model }) => model.name)).toEqual(Array(STUDIES).fill('demo-ct'));
    } finally {
      await database.close();
    }
  });
});
