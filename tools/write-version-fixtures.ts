/**
 * Writes what this version leaves behind, as fixtures for the tests of later versions: test/fixtures/version-N and the
 * database beside it. Run it once, before the version's successor changes anything; see test/fixtures/README.md.
 *
 *   node tools/write-version-fixtures.ts
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { type DicomDataset, requiredText, text } from '../src/dicom/dataset.ts';
import { MIGRATIONS } from '../src/pipeline/database/migration-steps.ts';
import { allVolumes } from '../src/pipeline/records/history.ts';
import { findStudyListing } from '../src/pipeline/records/find-studies.ts';
import { SOFTWARE_VERSION } from '../src/version.ts';
import { KEPT, type KeptStudy } from '../test/support/kept-studies.ts';
import { postgresProgram } from '../test/support/postgres.ts';
import { type KeptSite, startKeptSite } from './version-fixtures/kept-site.ts';
import { liveThrough, pollUntilEnded } from './version-fixtures/live-through.ts';
import { writeKeptModels } from './version-fixtures/write-models.ts';

const FIXTURES = path.resolve(import.meta.dirname, '../test/fixtures');
const FOLDER = path.join(FIXTURES, `version-${SOFTWARE_VERSION}`);
const DATABASE = path.join(FIXTURES, 'databases', `schema-${MIGRATIONS.length}.sql`);
const DEFAULTS = path.resolve(import.meta.dirname, '../config/default.yaml');
const STUDIES = Object.entries(KEPT) as [KeptStudy, string][];
const RESULT_MODALITIES: readonly (string | undefined)[] = ['SEG', 'SR', 'KO'];

if (existsSync(path.join(FOLDER, 'index.json')) || existsSync(DATABASE)) {
  throw new Error(
    `${FOLDER} or ${DATABASE} is there already: what a version left behind is never written anew`,
  );
}
await mkdir(path.join(FOLDER, 'results'), { recursive: true });
await writeKeptModels(path.join(FOLDER, 'models'));
const site = await startKeptSite();
try {
  await liveThrough(site);
  await writeFile(DATABASE, dumped(site.databaseUrl));
  await writeJson('history.json', await allVolumes(site.node.database));
  await writeJson('studies.json', await listings(site));
  const undelivered = await site.node.database.query(
    `SELECT event_key AS "eventKey", channel, message, next_try_at AS "nextTryAt"
     FROM pansegnet.notification WHERE outcome IS NULL ORDER BY id`,
  );
  const results = await writeResults(site);
  site.release();
  for (const study of ['running', 'queued'] as const) await pollUntilEnded(site, study);
  const afterwards = (await allVolumes(site.node.database)).filter(({ studyInstanceUid }) =>
    [KEPT.running, KEPT.queued].some((uid) => uid === studyInstanceUid),
  );
  const configurationKeys = leafPaths(parse(await readFile(DEFAULTS, 'utf8')));
  const index = { version: SOFTWARE_VERSION, results, afterwards, undelivered, configurationKeys };
  await writeJson('index.json', index);
} finally {
  await site.stop();
}

function writeJson(name: string, value: unknown): Promise<void> {
  return writeFile(path.join(FOLDER, name), `${JSON.stringify(value, null, 2)}\n`);
}

/** `archive.url`, `http.tls.key`, ... */
function leafPaths(tree: unknown): string[] {
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree)) return [''];
  return Object.entries(tree).flatMap(([key, below]) =>
    leafPaths(below).map((rest) => (rest === '' ? key : `${key}.${rest}`)),
  );
}

/** As PGlite and psql take it: without what empties search_path for the whole session, and without psql's commands. */
function dumped(url: string): string {
  const options = ['--inserts', '--no-owner', '--no-privileges', `--dbname=${url}`];
  const sql = execFileSync(postgresProgram('pg_dump'), options, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  return sql
    .split('\n')
    .filter((line) => !/^(--$|\\|SELECT pg_catalog\.set_config\('search_path')/.test(line))
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n');
}

/** What the pages list of each study. */
async function listings({ node }: KeptSite): Promise<unknown[]> {
  const found = STUDIES.map(async ([, uid]) => (await findStudyListing(node.database, uid)) ?? []);
  return (await Promise.all(found)).flat();
}

/** Every SEG, report and note in the archive, a reader's too. */
async function writeResults({ node: { archive } }: KeptSite): Promise<unknown[]> {
  const results: unknown[] = [];
  for (const [study, studyInstanceUid] of STUDIES) {
    for (const series of await archive.searchSeries(studyInstanceUid)) {
      const modality = text(series, 'Modality');
      if (!RESULT_MODALITIES.includes(modality)) continue;
      const seriesInstanceUid = uidIn(series, 'SeriesInstanceUID');
      for await (const bytes of archive.retrieveSeries(studyInstanceUid, seriesInstanceUid)) {
        const [header = {}] = await archive.seriesMetadata(studyInstanceUid, seriesInstanceUid);
        const number = results.length + 1;
        const file = `${String(number).padStart(2, '0')}-${study}.${modality?.toLowerCase()}.dcm`;
        await writeFile(path.join(FOLDER, 'results', file), bytes);
        const sopInstanceUid = uidIn(header, 'SOPInstanceUID');
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        results.push({ file, study, studyInstanceUid, seriesInstanceUid, sopInstanceUid, sha256 });
      }
    }
  }
  return results;
}

function uidIn(dataset: DicomDataset, keyword: string): string {
  return requiredText(dataset, keyword, 'a result in the archive');
}
