import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { stringify } from 'yaml';
import { z } from 'zod';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { JobEngine } from '../../src/queue/job-engine.ts';
import { setQueueMode } from '../../src/queue/queue-mode.ts';
import { requestStudy } from '../../src/queue/request-study.ts';
import { StudyQueue } from '../../src/queue/study-queue.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/sql.ts';
import { startPostgres } from '../../test/support/postgres.ts';
import { type ServeProcess, startNodeProgram } from '../../test/support/serve-process.ts';
import { writeSmallModels } from '../../test/support/small-models.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from '../../test/support/small-series.ts';
import type { BenchRow } from '../bench-row.ts';
import { median } from '../stopwatch.ts';

/** Slices of a study, and their edge in pixels: so small that coordination is measured and not decoding. */
const [SLICES, EDGE] = [20, 64];
const READY = /the node is running/;
const USE_STUB = new URL('./use-stub.ts', import.meta.url).href;

interface Measured {
  readonly workers: number;
  readonly stubSeconds: number;
  readonly studies: number;
  readonly backlog?: number;
}

/** Studies that are sent to the gateway one after the other. */
export interface Arrivals {
  readonly perHour: number;
  readonly count: number;
  readonly workers: number;
}

/** PostgreSQL, an archive and the nodes' files. */
export class Site {
  #places = 0;
  #studies = 0;
  readonly #folder: string;
  readonly #archiveUrl: string;
  readonly #newDatabase: () => Promise<string>;

  private constructor(folder: string, archiveUrl: string, newDatabase: () => Promise<string>) {
    this.#folder = folder;
    this.#archiveUrl = archiveUrl;
    this.#newDatabase = newDatabase;
  }

  static async open(folder: string, open: AsyncDisposableStack): Promise<Site> {
    await mkdir(folder, { recursive: true });
    const postgres = open.adopt(await startPostgres(), (it) => it.stop());
    const archive = open.adopt(
      startNodeProgram(['bench/serving/archive-server.ts', path.join(folder, 'archive')]),
      (it) => it.kill(),
    );
    const at = /archive at (\S+)/;
    await archive.says(at);
    return new Site(folder, at.exec(archive.log())?.[1] ?? '', () => postgres.newDatabase());
  }

  /** Workers that begin together on studies that wait in the queue. */
  async measure({ workers, stubSeconds, studies, backlog = 0 }: Measured) {
    await using open = new AsyncDisposableStack();
    const { database, queue, url } = await this.#queue(open);
    const uids = this.#uids(studies);
    const client = new DicomWebClient({ url: this.#archiveUrl });
    for (const uid of uids) await client.store(uid, seriesOf(uid));
    for (const uid of [...uids, ...this.#uids(backlog)]) {
      const request = {
        studyInstanceUid: uid,
        reason: 'watched',
        fingerprint: 'f',
        now: new Date(),
      } as const;
      await requestStudy({ database, queue }, request);
    }
    await setQueueMode(database, 'paused');
    await this.#start(rolesOf(workers), url, stubSeconds, open);
    const load = processorLoad();
    const start = new Date();
    await setQueueMode(database, 'running');
    const seconds = (await whenDone(database, uids)).map((end) => (end.getTime() - start.getTime()) / 1000);
    return { perHour: (3600 * studies) / Math.max(...seconds), busy: load() };
  }

  /** Studies that are sent to the gateway one after the other. */
  async arrivals({ perHour, count, workers }: Arrivals, stubSeconds: number): Promise<BenchRow[]> {
    await using open = new AsyncDisposableStack();
    const { database, url } = await this.#queue(open);
    const [gateway] = await this.#start(rolesOf(workers), url, stubSeconds, open);
    const address = /"url":"([^"]+)"/.exec(gateway?.log() ?? '')?.[1] ?? '';
    const client = new DicomWebClient({ url: `${address}/dicom-web` });
    const uids = this.#uids(count);
    const sent: Date[] = [];
    const load = processorLoad();
    for (const uid of uids) {
      const next = wait(3_600_000 / perHour);
      sent.push(new Date());
      await client.store(uid, seriesOf(uid));
      await next;
    }
    const waiting = await unfinished(database, uids);
    const ends = await whenDone(database, uids);
    const seconds = ends.map((end, i) => (end.getTime() - (sent[i]?.getTime() ?? 0)) / 1000);
    const half = count >> 1;
    const name = `scale: ${perHour}/h arrive at one gateway, ${workers} workers`;
    return [
      {
        name: `${name}: from sending to the end, median of the later half, processors ${load()} busy`,
        value: median(seconds.slice(half)),
        unit: 's',
        peer: { name: 'of the earlier half', value: median(seconds.slice(0, half)) },
      },
      { name: `${name}: not finished when the last has arrived`, value: waiting, unit: 'studies' },
    ];
  }

  async #queue(open: AsyncDisposableStack) {
    const url = await this.#newDatabase();
    const database = open.adopt(await openDatabase({ url, connections: 4 }), (it) => it.close());
    const engine = open.adopt(
      await JobEngine.open(database, (error) => {
        throw error;
      }),
      (it) => it.stop(),
    );
    const queue = open.adopt(await StudyQueue.open(engine), (it) => it.stop({ graceMs: 0 }));
    return { database, queue, url };
  }

  #uids(count: number): string[] {
    return Array.from({ length: count }, () => `1.2.826.0.1.77.${++this.#studies}`);
  }

  async #start(
    roles: readonly ('gateway' | 'worker')[],
    databaseUrl: string,
    stubSeconds: number,
    open: AsyncDisposableStack,
  ): Promise<ServeProcess[]> {
    const processes: ServeProcess[] = [];
    for (const role of roles) {
      const file = await this.#configuration(databaseUrl);
      const serve = ['--import', USE_STUB, 'src/cli.ts', 'serve', '--config', file, '--role', role];
      const running = startNodeProgram(serve, {
        BENCH_STUB_SECONDS: String(stubSeconds),
      });
      processes.push(open.adopt(running, (it) => it.kill()));
      await running.says(READY);
    }
    return processes;
  }

  async #configuration(databaseUrl: string): Promise<string> {
    const folder = path.join(this.#folder, `node-${++this.#places}`);
    await mkdir(folder);
    const file = path.join(folder, 'site.yaml');
    const configuration = {
      dataFolder: folder,
      archive: { kind: 'dicomweb', url: this.#archiveUrl },
      database: { url: databaseUrl, connections: 3 },
      watch: { schedule: '*/10 * * * * *', lookBack: 7, stableForSeconds: 1 },
      selection: { siteRules: SMALL_SERIES_RULES },
      models: await writeSmallModels(path.join(folder, 'models')),
      http: { port: 0 },
    };
    await writeFile(file, stringify(configuration));
    return file;
  }
}

const rolesOf = (workers: number): ('gateway' | 'worker')[] => [
  'gateway',
  ...Array.from({ length: workers }, () => 'worker' as const),
];

const seriesOf = (uid: string): Uint8Array[] =>
  smallCtSeries(
    uid,
    { PatientID: uid, Rows: EDGE, Columns: EDGE, PixelData: new Int16Array(EDGE * EDGE).fill(40).buffer },
    SLICES,
  );

const stateRow = z.object({
  study: z.string(),
  state: z.string(),
  reason: z.string().nullable(),
  changedAt: z.date(),
});

/** When each of the studies was done. */
async function whenDone(database: Database, uids: readonly string[]): Promise<Date[]> {
  for (;;) {
    const rows = await database.query(
      `SELECT study_instance_uid AS study, state, reason, changed_at AS "changedAt"
       FROM pansegnet.study WHERE study_instance_uid = ANY($1)`,
      [uids],
    );
    const studies = rows.map((row) => stateRow.parse(row));
    const failed = studies.find(({ state }) => state === 'failed' || state === 'skipped');
    if (failed) throw new Error(`${failed.study}: ${failed.reason}`);
    const ends = new Map(
      studies.filter(({ state }) => state === 'done').map(({ study, changedAt }) => [study, changedAt]),
    );
    if (ends.size === uids.length) return uids.flatMap((uid) => ends.get(uid) ?? []);
    await wait(250);
  }
}

async function unfinished(database: Database, uids: readonly string[]): Promise<number> {
  const rows = await database.query(
    `SELECT 1 FROM pansegnet.study WHERE study_instance_uid = ANY($1) AND state = 'done'`,
    [uids],
  );
  return uids.length - rows.length;
}

/** Share of the machine's processor time that is taken from now on. */
function processorLoad(): () => string {
  const times = () =>
    cpus().reduce(
      (sum, { times: { idle, ...others } }) => {
        const busy = Object.values(others).reduce((a, b) => a + b, 0);
        return { idle: sum.idle + idle, all: sum.all + idle + busy };
      },
      { idle: 0, all: 0 },
    );
  const before = times();
  return () => {
    const after = times();
    const idle = (after.idle - before.idle) / (after.all - before.all);
    return `${(100 * (1 - idle)).toFixed(0)} %`;
  };
}
