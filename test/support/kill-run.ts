import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { stringify } from 'yaml';
import { Random } from '../../src/demo/phantom/random.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { DEAD_LETTER_QUEUE, QUEUE } from '../../src/queue/queue-names.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { allVolumes } from '../../src/store/records/history.ts';
import type { VolumeRecord } from '../../src/store/records/volume-record.ts';
import { type ServeProcess, serve } from './serve-process.ts';
import { writeSmallModels } from './small-models.ts';
import { plainPixels, SMALL_SERIES_RULES, smallCtSeries } from './small-series.ts';
import { storedResults } from './stored-results.ts';

export interface KillRun {
  readonly studies: number;
  readonly kills: number;
  readonly seed: number;
  /** DICOMweb root of the archive, which is not killed. */
  readonly archiveUrl: string;
  /**
   * A PostgreSQL server, with a gateway and two workers on it; without it one process on an embedded
   * database.
   */
  readonly databaseUrl?: string;
  /** Each study has a better series too, which shows no organ: both are tried. */
  readonly withEmptySeries?: boolean;
}

export interface KillRunResult {
  /** SOP Instance UIDs of the node's results that the archive holds, by kind and study. */
  readonly segmentations: ReadonlyMap<string, readonly string[]>;
  readonly reports: ReadonlyMap<string, readonly string[]>;
  readonly history: readonly VolumeRecord[];
  /** States of the studies in the study log, and how many there are of each. */
  readonly states: Readonly<Record<string, number>>;
  /** Jobs that are not over. */
  readonly jobs: number;
  /** Series whose pixels were looked at and that gave way to another. */
  readonly tried: number;
  /** Why studies failed or are tried again. */
  readonly reasons: readonly string[];
  /** How many kills hit a process before it was ready, and how many after. */
  readonly kills: { readonly starting: number; readonly running: number };
}

/** A process is killed at a random moment up to so long after its start, or after it was ready. */
const STARTING_MS = 2_500;
const RUNNING_MS = 2_500;
/** How many of the kills hit a process that may still be starting. */
const STARTING_SHARE = 0.25;
/** How long the work may take that is left after the last kill, on a machine with other work. */
const SETTLE_LIMIT_MS = 300_000;
const LOOK_MS = 500;

const READY = /the node is running/;

/**
 * Sends studies to an archive while the processes that work on them are killed (SIGKILL) at random moments
 * and started again; then lets them finish, and tells what there is.
 */
export async function killRun(run: KillRun): Promise<KillRunResult> {
  const random = new Random(run.seed);
  const folder = await mkdtemp(path.join(tmpdir(), 'kill-run-'));
  const archive = new DicomWebClient({ url: run.archiveUrl });
  const uids = Array.from({ length: run.studies }, (_, place) => `1.2.826.0.1.${run.seed}.${place + 1}`);
  const configuration = await writeConfiguration(run, folder);
  const roles = run.databaseUrl === undefined ? ['all'] : ['gateway', 'worker', 'worker'];
  const start = (place: number): ServeProcess => serve(configuration, '--role', roles[place] ?? 'all');
  const processes = roles.map((_, place) => start(place));
  const kills = { starting: 0, running: 0 };
  try {
    let sent = 0;
    for (let kill = 0; kill < run.kills; kill++) {
      // Little by little, so that the work lasts as long as the kills do.
      while (sent < ((kill + 1) * run.studies) / run.kills) {
        await sendStudy(archive, uids[sent] ?? '', run.withEmptySeries ?? false);
        sent += 1;
      }
      const place = Math.floor(random.uniform(0, roles.length));
      const victim = processes[place];
      const moment = random.uniform(0, 1) < STARTING_SHARE ? 'starting' : 'running';
      if (moment === 'running') await victim?.says(READY);
      await wait(random.uniform(0, moment === 'starting' ? STARTING_MS : RUNNING_MS));
      if (!victim?.isAlive()) throw new Error(`serve ended by itself:\n${victim?.log()}`);
      await victim.kill();
      kills[moment] += 1;
      processes[place] = start(place);
    }
    const place =
      run.databaseUrl === undefined
        ? { folder: path.join(folder, 'database') }
        : { url: run.databaseUrl, connections: 2 };
    const limit = Date.now() + SETTLE_LIMIT_MS;
    for (;;) {
      await whenStored(archive, uids, limit);
      // An embedded database is free only when its process has ended.
      if ('folder' in place) await Promise.all(processes.map((one) => one.stop()));
      const left = await look(place);
      if (left.jobs === 0 && left.states['done'] === run.studies) {
        return { ...left, ...(await storedResults(archive, uids)), kills };
      }
      if (Date.now() > limit) {
        throw new Error(
          `not finished: ${JSON.stringify(left.states)}, ${left.jobs} jobs; ` +
            `${left.reasons.join('; ')}\n${processes.map((one) => one.log()).join('\n')}`,
        );
      }
      if ('folder' in place) processes[0] = start(0);
      await wait(LOOK_MS);
    }
  } finally {
    await Promise.all(processes.map((one) => one.kill()));
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeConfiguration(run: KillRun, folder: string): Promise<string> {
  const file = path.join(folder, 'site.yaml');
  const configuration = {
    archive: { kind: 'dicomweb', url: run.archiveUrl },
    database: { folder: path.join(folder, 'database'), ...(run.databaseUrl ? { url: run.databaseUrl } : {}) },
    intake: { spoolFolder: path.join(folder, 'spool') },
    watch: { schedule: '* * * * * *', lookBack: 'all', stableForSeconds: 0 },
    selection: { siteRules: SMALL_SERIES_RULES },
    models: await writeSmallModels(path.join(folder, 'models')),
    inference: { threads: 1 },
    // A process that was killed is found out soon; and by chance many of the kills may hit one and the same
    // study.
    queue: {
      retries: 20,
      retryDelaySeconds: 1,
      retryDelayMaxSeconds: 2,
      heartbeatSeconds: 3,
      takeovers: run.kills,
    },
    http: { port: 0 },
  };
  await writeFile(file, stringify(configuration));
  return file;
}

async function sendStudy(archive: DicomWebClient, uid: string, withEmptySeries: boolean): Promise<void> {
  const patient = { PatientID: `P-${uid}`, StudyDate: '20260301' };
  const empty = { ...patient, SliceThickness: '1', PixelData: plainPixels() };
  const better = withEmptySeries ? smallCtSeries(uid, empty, 16, 2) : [];
  await archive.storeVerified(uid, [...better, ...smallCtSeries(uid, patient)]);
}

/** Until the archive holds a report for each study: it is stored last, or with the SEG. */
async function whenStored(archive: DicomWebClient, uids: readonly string[], limit: number): Promise<void> {
  while (Date.now() < limit) {
    const { reports } = await storedResults(archive, uids);
    if (reports.size === uids.length) return;
    await wait(LOOK_MS);
  }
}

async function look(
  place: Parameters<typeof openDatabase>[0],
): Promise<Pick<KillRunResult, 'history' | 'states' | 'jobs' | 'reasons' | 'tried'>> {
  const database = await openDatabase(place);
  try {
    const states = await database.query(
      'SELECT state, count(*)::int AS studies FROM pansegnet.study GROUP BY 1',
    );
    const [jobs] = await database.query(
      `SELECT count(*)::int AS jobs FROM pgboss.job WHERE name IN ($1, $2) AND state <= 'active'`,
      [QUEUE, DEAD_LETTER_QUEUE],
    );
    const [tried] = await database.query(
      'SELECT count(*)::int AS tried FROM pansegnet.series_decision WHERE NOT chosen AND reason ~ $1',
      ['; tried: '],
    );
    const reasons = await database.query(
      'SELECT DISTINCT reason FROM pansegnet.study WHERE reason IS NOT NULL',
    );
    return {
      reasons: reasons.map(({ reason }) => String(reason)),
      history: await allVolumes(database),
      states: Object.fromEntries(states.map(({ state, studies }) => [String(state), Number(studies)])),
      jobs: Number(jobs?.['jobs']),
      tried: Number(tried?.['tried']),
    };
  } finally {
    await database.close();
  }
}
