import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEmbeddedArchive } from '../support/archives.ts';
import { runCli } from '../support/run-cli.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { type SmallRuns, startSmallRuns } from '../support/small-runs.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from '../support/small-series.ts';

const STUDY = '2.25.8801';

let archive: RunningArchive;
let runs: SmallRuns;
let folder: string;
let config: string;
beforeAll(async () => {
  archive = await startEmbeddedArchive();
  runs = await startSmallRuns(archive.url);
  await runs.archive.storeVerified(STUDY, smallCtSeries(STUDY));
  await runs.process(STUDY, { seriesInstanceUid: `${STUDY}.1`, class: 'CT_ABDOMEN' });
  folder = await mkdtemp(path.join(tmpdir(), 'select-study-'));
  config = path.join(folder, 'site.yaml');
  const site = {
    archive: { kind: 'dicomweb', url: archive.url },
    selection: { siteRules: SMALL_SERIES_RULES },
    models: { CT: 'any' },
  };
  await writeFile(config, JSON.stringify(site));
});
afterAll(async () => {
  await runs?.stop();
  await archive?.stop();
  await rm(folder, { recursive: true, force: true });
});

const select = (...args: string[]) => runCli('select', '--config', config, ...args);

it('one table with headers says what would be taken, without what the node wrote itself', async () => {
  const { code, stdout, stderr } = await select('--study', STUDY);
  expect(code, stderr).toBe(0);
  const [headers, line, ...rows] = stdout.trimEnd().split('\n');
  expect(headers).toMatch(/^chosen +class +certainty +phase +coverage +images +series +reason$/);
  expect(line).toMatch(/^-+( +-+)+$/);
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatch(/^yes +CT_ABDOMEN +yes +portal +24 mm +12 +"abdomen portal venous"/);
});

it('as JSON, a series has what the table has', async () => {
  const { stdout } = await select('--study', STUDY, '--json');
  expect(JSON.parse(stdout)).toMatchObject([
    { seriesInstanceUid: `${STUDY}.1`, class: 'CT_ABDOMEN', certainty: 'yes', rank: 1, coverageMm: 24 },
  ]);
});

it('ends with 1 for a study, or a series, that is not there, and says so', async () => {
  const study = await select('--study', '2.25.999');
  expect(study).toMatchObject({ code: 1, stdout: '' });
  expect(study.stderr).toMatch(/^error: .*has no study 2\.25\.999/);
  const series = await select('--study', STUDY, '--explain', '2.25.9');
  expect(series).toMatchObject({ code: 1, stdout: '' });
  expect(series.stderr).toContain('2.25.9');
});

it('explains a series by its facts and what each rule says', async () => {
  const { stdout } = await select('--study', STUDY, '--explain', `${STUDY}.1`);
  expect(stdout).toMatch(/^words +abdomen portal venous$/m);
  expect(stdout).toMatch(/^decides +CT_ABDOMEN +a small abdomen/m);
  expect(stdout).toMatch(/^no +NONE +neither CT nor MR +modality/m);
});

it('tries rules that are not those of the configuration: a list stands before the others', async () => {
  const rules = path.join(folder, 'rules.yaml');
  await writeFile(rules, '- { when: { modality: { is: CT } }, class: NONE, reason: no CT today }');
  const { stdout } = await runCli('select', '--config', config, '--study', STUDY, '--rules', rules, '--json');
  // The site's own rules come first in any case.
  expect(JSON.parse(stdout)).toMatchObject([{ class: 'CT_ABDOMEN' }]);
  const bare = path.join(folder, 'bare.yaml');
  await writeFile(bare, JSON.stringify({ archive: { kind: 'dicomweb', url: archive.url } }));
  const alone = await runCli('select', '--config', bare, '--study', STUDY, '--rules', rules, '--json');
  expect(JSON.parse(alone.stdout)).toMatchObject([{ class: 'NONE', reason: 'no CT today' }]);
});
