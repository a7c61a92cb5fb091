import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { JobEngine } from '../../src/queue/job-engine.ts';
import { setQueueMode } from '../../src/queue/queue-mode.ts';
import { StudyQueue } from '../../src/queue/study-queue.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { applyPlaceholders } from '../../src/store/records/placeholder-keys.ts';
import { startPostgres } from '../../test/support/postgres.ts';
import { startNodeProgram } from '../../test/support/serve-process.ts';
import { writeSmallModels } from '../../test/support/small-models.ts';
import type { BenchOptions, BenchRow } from '../bench-row.ts';
import { runMeasured } from '../child.ts';
import { median } from '../stopwatch.ts';
import { fillDatabase } from './fill.ts';
import { type MeasuredRequest, measuredRequests } from './requests.ts';

/** What was promised for a page or an answer. */
const LIMITS_MS = { server: 300, embedded: 1_000 } as const;
const REPEATS = 3;
const READY = /the node is running/;
/** A database of one's own that is measured, and filled where it is empty. */
const OWN_DATABASE = 'BENCH_DATABASE_URL';

type Kind = keyof typeof LIMITS_MS;

/**
 * How soon a node has its pages and answers where the database holds very many studies: a million on a
 * PostgreSQL server, a hundred thousand in the embedded database; and what `history --csv` takes there.
 */
export async function benchDatabase({ quick, folder }: BenchOptions): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  const sizes: Readonly<Record<Kind, number>> = quick
    ? { server: 2_000, embedded: 2_000 }
    : { server: 1_000_000, embedded: 100_000 };
  for (const kind of ['server', 'embedded'] as const) {
    await using open = new AsyncDisposableStack();
    const place = path.join(folder, `database-${kind}`);
    await mkdir(place);
    const section = kind === 'embedded' ? { folder: place } : { url: await serverUrl(open), folder: place };
    rows.push(...(await benchKind(kind, section, sizes[kind], place)));
  }
  return rows;
}

async function serverUrl(open: AsyncDisposableStack): Promise<string> {
  const own = process.env[OWN_DATABASE];
  if (own) return own;
  return open.adopt(await startPostgres(), (it) => it.stop()).newDatabase();
}

async function benchKind(
  kind: Kind,
  section: { readonly url?: string; readonly folder: string },
  studies: number,
  folder: string,
): Promise<BenchRow[]> {
  const name = `database: ${kind}, ${studies} studies`;
  const seconds = await prepare(section, studies);
  const configuration = path.join(folder, 'site.yaml');
  await writeFile(
    configuration,
    stringify({
      dataFolder: folder,
      database: { ...section, ...(section.url ? { connections: 5 } : {}) },
      patients: { placeholderIds: [] },
      models: await writeSmallModels(path.join(folder, 'models')),
      http: { port: 0, limits: { requestsPerMinute: 100_000 } },
    }),
  );
  const rows: BenchRow[] = [
    { name: `${name}: opened, and filled where it was empty`, value: seconds, unit: 's' },
  ];
  const csv = await runMeasured('src/cli.ts', ['history', '--csv', '--config', configuration]);
  rows.push(
    { name: `${name}: history --csv`, value: csv.seconds, unit: 's' },
    { name: `${name}: history --csv, most memory`, value: csv.peakBytes / 2 ** 20, unit: 'MiB' },
  );
  const node = startNodeProgram(['src/cli.ts', 'serve', '--config', configuration]);
  try {
    await node.says(READY);
    const url = /"url":"([^"]+)"/.exec(node.log())?.[1] ?? '';
    for (const request of measuredRequests(studies)) {
      const peer = { name: 'promised', value: LIMITS_MS[kind] };
      const value = await answerMs(url, request);
      process.stderr.write(`${request.name}: ${value.toFixed(0)} ms\n`);
      rows.push({ name: `${name}: ${request.name}`, value, unit: 'ms', peer });
    }
  } finally {
    await node.kill();
  }
  return rows;
}

/** Makes the tables and fills them where they are empty; on a paused queue, as nothing is to be processed. */
async function prepare(
  section: { readonly url?: string; readonly folder: string },
  studies: number,
): Promise<number> {
  const start = performance.now();
  const { url, folder } = section;
  const database = await openDatabase(url ? { url, connections: 3 } : { folder });
  const engine = await JobEngine.open(database, (error) => {
    throw error;
  });
  const queue = await StudyQueue.open(engine);
  await setQueueMode(database, 'paused');
  // Else the first start would give each patient the key that its PatientID calls for.
  await applyPlaceholders(database, []);
  const known = await database.query('SELECT 1 FROM pansegnet.study LIMIT 1');
  if (known.length === 0) await fillDatabase(database, studies);
  await queue.stop({ graceMs: 0 });
  await engine.stop();
  await database.close();
  return (performance.now() - start) / 1000;
}

async function answerMs(url: string, { path: address, post }: MeasuredRequest): Promise<number> {
  const ask = (): Promise<Response> => {
    if (!post) return fetch(url + address);
    if (address !== '/') {
      const headers = { 'Content-Type': 'application/json' };
      return fetch(url + address, { method: 'POST', headers, body: JSON.stringify(post) });
    }
    const body = new URLSearchParams(Object.entries(post).map(([key, value]) => [key, String(value)]));
    return fetch(url + address, { method: 'POST', headers: { Origin: url }, body });
  };
  const times: number[] = [];
  for (let turn = 0; turn < REPEATS; turn++) {
    const start = performance.now();
    const response = await ask();
    await response.text();
    times.push(performance.now() - start);
    if (response.status >= 400 && !address.endsWith('/images'))
      throw new Error(`${address} answered ${response.status}`);
    // What takes very long is measured once.
    if ((times[0] ?? 0) > 1_000) break;
  }
  return median(times);
}
