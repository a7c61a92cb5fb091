import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { freePort } from '../support/free-port.ts';
import { type OrthancServer, startOrthanc } from '../support/orthanc.ts';
import { describeWith } from '../support/requires.ts';
import { runCli } from '../support/run-cli.ts';
import { type ServeProcess, serve } from '../support/serve-process.ts';
import { writeSmallModels } from '../support/small-models.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from '../support/small-series.ts';
import { storedResults } from '../support/stored-results.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../support/tiny-onnx.ts';

const PATIENT = {
  PatientID: 'YEARS-1',
  PatientName: 'Doe^Jane',
  PatientBirthDate: '19600102',
  PatientSex: 'F',
};
const EARLIER = [2018, 2019, 2020, 2021, 2022, 2023, 2024, 2025].map((year) => ({
  uid: `2.25.9900${year}`,
  date: `${year}0301`,
}));
/** The same ID, and somebody else: first in the archive, whose list gives all of the ID this birth date. */
const STRANGER = { uid: '2.25.9900001', date: '20220701' };
const TOO_OLD = { uid: '2.25.9900002', date: '20010701' };
const NEW = '2.25.9900003';
const OF_ANOTHER = '2.25.9900004';

const ascending = (a: number, b: number): number => a - b;

const today = (): string => {
  const now = new Date();
  const day = [now.getFullYear(), now.getMonth() + 1, now.getDate()];
  return day.map((part) => String(part).padStart(2, '0')).join('');
};

describeWith(['Orthanc'], 'the years before the node came', () => {
  let orthanc: OrthancServer;
  let archive: DicomWebClient;
  let folder: string;
  let configuration: string;
  let url: string;
  let node: ServeProcess | undefined;
  const store = (uid: string, attributes: object) =>
    archive.storeVerified(uid, smallCtSeries(uid, { ...PATIENT, ...attributes }));

  beforeAll(async () => {
    orthanc = await startOrthanc();
    archive = new DicomWebClient({ url: orthanc.url });
    folder = await mkdtemp(path.join(tmpdir(), 'earlier-years-'));
    configuration = path.join(folder, 'site.yaml');
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const models = await writeSmallModels(path.join(folder, 'models'));
    const patchSize: [number, number, number] = [4, 16, 8];
    const newer = { ...SIGN_MODEL, name: 'small-ct-newer', version: '2.0.0', patchSize };
    await writeModel(path.join(folder, 'models'), newer, { 'fold_0.onnx': signNetwork(patchSize) });
    await writeFile(
      configuration,
      stringify({
        dataFolder: folder,
        archive: { kind: 'dicomweb', url: orthanc.url },
        watch: { schedule: '* * * * * *', lookBack: 0, stableForSeconds: 0 },
        selection: { siteRules: SMALL_SERIES_RULES },
        models,
        inference: { threads: 1 },
        priors: { enabled: true },
        http: { port },
        log: { identifiers: 'plain' },
      }),
    );
    await store(STRANGER.uid, { StudyDate: STRANGER.date, PatientBirthDate: '19710203' });
    await store(TOO_OLD.uid, { StudyDate: TOO_OLD.date });
    for (const { uid, date } of EARLIER) await store(uid, { StudyDate: date });
    await store(NEW, { StudyDate: today() });
  });
  afterAll(async () => {
    await node?.kill();
    await orthanc?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const get = async (place: string) => {
    const response = await fetch(url + place);
    expect(response.status, place).toBe(200);
    return response;
  };
  const patientKey = async (): Promise<string> =>
    (await (await get(`/api/studies/${NEW}`)).json()).header.patientKey;
  const volumes = async () => (await get(`/api/patients/${await patientKey()}/volumes`)).json();
  const processed = () =>
    [...(node?.log() ?? '').matchAll(/"studyInstanceUid":"([\d.]+)"[^\n]*"study processed"/g)].map(
      ([, uid]) => uid,
    );
  const until = (what: () => Promise<void> | void) => vi.waitFor(what, { timeout: 120_000, interval: 200 });

  it('after the first new study the trend shows them all, though the node is killed in between', async () => {
    node = serve(configuration);
    await node.says(/"study processed"[^]*"study processed"/);
    const first = processed();
    expect(first[0]).toBe(NEW);
    // The newest first.
    expect(first[1]).toBe(EARLIER.at(-1)?.uid);
    await node.kill();

    node = serve(configuration);
    await node.says(/the node is running/);
    await until(async () => {
      const { trends } = await (await get(`/api/patients/${await patientKey()}/volumes`)).json();
      expect(trends[0].points).toHaveLength(1 + EARLIER.length);
    });
    const { trends, people } = await (await get(`/api/patients/${await patientKey()}/volumes`)).json();
    expect(trends).toHaveLength(1);
    expect(people).toBe(1);
    expect(
      trends[0].points.map(({ studyInstanceUid }: { studyInstanceUid: string }) => studyInstanceUid),
    ).toEqual([...EARLIER.map(({ uid }) => uid), NEW]);
  });

  it('nothing of it goes to the archive, whose report names what it can be asked for', async () => {
    const all = [NEW, STRANGER.uid, TOO_OLD.uid, ...EARLIER.map(({ uid }) => uid)];
    const { segmentations, reports } = await storedResults(archive, all);
    expect([...segmentations.keys(), ...reports.keys()]).toEqual([NEW, NEW]);
    const key = await patientKey();
    const csv = (await (await get(`/api/patients/${key}/volumes.csv`)).text()).trim().split('\r\n');
    const names = csv[0]?.split(',') ?? [];
    const column = (name: string) => csv.slice(1).map((line) => line.split(',')[names.indexOf(name)]);
    expect(column('historyOnly')).toEqual([...EARLIER.map(() => 'yes'), '']);
    expect(column('report').map(Boolean)).toEqual([...EARLIER.map(() => false), true]);
    const page = await (await get(`/patients/${key}`)).text();
    expect(page.match(/in the history alone/g)).toHaveLength(EARLIER.length);
    const study = await (await get(`/studies/${EARLIER[0]?.uid}`)).text();
    expect(study).toContain('the archive has no SEG and no report of it');
    expect(study).not.toMatch(/\/report"|\/seg"|data-images/);
  });

  it('a study of another birth date under the same ID is left out, as is one that is too old', async () => {
    for (const { uid } of [STRANGER, TOO_OLD])
      expect((await fetch(`${url}/api/studies/${uid}`)).status).toBe(404);
    const page = await (await get(`/patients/${await patientKey()}`)).text();
    expect(page).toContain('birth date, sex or given name differ');
  });

  it('a study of another patient is worked on as ever', async () => {
    const before = processed().length;
    await store(OF_ANOTHER, { PatientID: 'YEARS-2', StudyDate: today() });
    await until(() => expect(processed().slice(before)).toEqual([OF_ANOTHER]));
  });

  it('a whole archive is worked off when that was confirmed, and once', async () => {
    const command = ['history', 'backfill', '--since', '2000-01-01', '--config', configuration];
    const asked = await runCli(...command);
    expect(asked.code).toBe(1);
    expect(asked.stdout).toContain('2 studies with CT or MR are to be measured; about 0.0 hours');
    expect(asked.stdout).toMatch(/s per study \(median of the last \d+\), 1 at a time/);
    expect(asked.stderr).toContain('--yes');
    const before = processed().length;
    expect(await runCli(...command, '--yes')).toMatchObject({ code: 0 });
    await until(() => expect(processed().slice(before)).toEqual([STRANGER.uid, TOO_OLD.uid]));
    const again = await runCli(...command, '--dry-run', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ studies: 0, known: 12, started: false });
    const { trends, people } = await volumes();
    expect(people).toBe(2);
    const lengths = trends.map(({ points }: { points: unknown[] }) => points.length);
    expect(lengths.toSorted(ascending)).toEqual([1, 2 + EARLIER.length]);
  });

  it('another model measures the same images again, beside what stands', async () => {
    const command = ['history', 'remeasure', '--model', 'small-ct-newer', '--config', configuration];
    expect((await runCli(...command)).stdout).toContain('12 studies were not measured by');
    const before = await storedResults(archive, [NEW]);
    expect(await runCli(...command, '--yes')).toMatchObject({ code: 0 });
    await until(async () => {
      const { trends } = await volumes();
      const lengths = trends.map(({ points }: { points: unknown[] }) => points.length);
      expect(lengths.toSorted(ascending)).toEqual([1, 1, 2 + EARLIER.length, 2 + EARLIER.length]);
    });
    expect(await storedResults(archive, [NEW])).toEqual(before);
    const { study } = await (await get(`/api/studies/${NEW}`)).json();
    expect(study.state).toBe('done');
  });
});
