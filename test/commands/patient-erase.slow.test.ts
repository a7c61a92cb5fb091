import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { runCli } from '../support/run-cli.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { type ServeProcess, serve } from '../support/serve-process.ts';
import { smallInstance } from '../support/small-instance.ts';
import { writeSmallModels } from '../support/small-models.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from '../support/small-series.ts';

const STUDY = '2.25.8301';
const JANE = { PatientID: 'ERASE-1', PatientName: 'Doe^Jane', PatientBirthDate: '19600102', PatientSex: 'F' };
const RITA = { PatientID: 'KEEP-1', PatientName: 'Roe^Rita' };

let folder: string;
let file: string;
let archive: RunningArchive;
let node: ServeProcess;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'patient-erase-'));
  file = path.join(folder, 'site.yaml');
  archive = await startEmbeddedArchive();
  await new DicomWebClient({ url: archive.url }).storeVerified(STUDY, smallCtSeries(STUDY, JANE));
  const refused = path.join(folder, 'spool', 'refused');
  await mkdir(refused, { recursive: true });
  for (const [name, patient] of Object.entries({ jane: JANE, rita: RITA })) {
    const uids = { study: `2.25.84.${name.length}`, series: '2.25.85', sop: '2.25.86' };
    await writeFile(path.join(refused, `${name}.stow.dcm`), smallInstance(uids, patient));
  }
  const configuration = {
    archive: { kind: 'dicomweb', url: archive.url },
    database: { folder: path.join(folder, 'database') },
    intake: { spoolFolder: path.join(folder, 'spool') },
    audit: { folder: path.join(folder, 'audit') },
    watch: { schedule: '* * * * * *', lookBack: 'all', stableForSeconds: 0 },
    selection: { siteRules: SMALL_SERIES_RULES },
    models: await writeSmallModels(path.join(folder, 'models')),
    inference: { threads: 1 },
    http: { port: 0 },
  };
  await writeFile(file, stringify(configuration));
  node = serve(file);
  await node.says(/study processed/);
});
afterAll(async () => {
  await node?.stop();
  await archive?.stop();
  await rm(folder, { recursive: true, force: true });
});

const cli = (...args: string[]) => runCli(...args, '--config', file);

it('a patient is erased beside a running node, once it is confirmed, and is not found anew', async () => {
  const [volume] = JSON.parse((await cli('history', '--json')).stdout);
  const key: string = volume.patientKey;
  const unconfirmed = await cli('patient', 'erase', '--patient', key);
  expect(unconfirmed).toMatchObject({ code: 1, stdout: expect.stringContaining('1 studies, 1 reports') });
  expect((await cli('history', '--json')).stdout).toContain(key);

  const erased = await cli('patient', 'erase', '--patient', key, '--yes');
  expect(erased.code, erased.stderr).toBe(0);
  expect(erased.stdout).toContain('erased: 1 studies with 1 reports, 1 instances in the spool');
  for (const place of ['the archive', 'the audit log', 'backups']) expect(erased.stdout).toContain(place);
  expect(await readdir(path.join(folder, 'spool', 'refused'))).toEqual(['rita.stow.dcm']);
  const names = (await readdir(path.join(folder, 'audit'))).filter((name) => name.endsWith('.log'));
  const lines = await Promise.all(names.map((name) => readFile(path.join(folder, 'audit', name), 'utf8')));
  const deletions = lines
    .join('')
    .split('\n')
    .filter((line) => line.includes('EventActionCode="D"'));
  expect(deletions).toHaveLength(1);
  expect(deletions[0]).toContain(key);

  const { url, token } = JSON.parse(
    await readFile(path.join(folder, 'database', 'local-access.json'), 'utf8'),
  );
  const ask = (place: string) => fetch(`${url}${place}`, { headers: { Authorization: `Bearer ${token}` } });
  await fetch(`${url}/api/notify`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ studyInstanceUid: STUDY }),
  });
  // The next command waits for its turn, and the looks of each second come before the node stops.
  expect((await cli('history')).stdout).toBe('no volumes\n');
  expect((await ask(`/api/patients/${key}/volumes`)).status).toBe(404);
  const study = await (await ask(`/api/studies/${STUDY}`)).json();
  expect(study).toMatchObject({ study: { state: 'done' }, volumes: [] });
  expect(study.header).toBeUndefined();
  expect((await cli('patient', 'erase', '--patient', key, '--yes')).code).toBe(1);
});
