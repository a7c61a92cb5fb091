import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StudyQueue } from '../../src/queue/queue.ts';
import type { StudyJob } from '../../src/queue/study-job.ts';
import { workOnStudies } from '../../src/queue/study-worker.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { findStudies } from '../../src/store/records/find-studies.ts';
import { beginRun, finishRun } from '../../src/store/records/run-log.ts';

const source = (file: string): string => JSON.stringify(path.resolve(import.meta.dirname, '../../src', file));

/** Opens the database in a folder, puts studies in the queue and works on them; work on `study.hang` never ends. */
const NODE_PROGRAM = `
  const { openDatabase } = await import(${source('store/database/database.ts')});
  const { StudyQueue } = await import(${source('queue/queue.ts')});
  const { requestStudy } = await import(${source('queue/request-study.ts')});
  const { workOnStudies } = await import(${source('queue/study-worker.ts')});
  const { beginRun, finishRun } = await import(${source('store/records/run-log.ts')});
  const [folder, ...studies] = process.argv.slice(1);
  console.log('opening');
  const database = await openDatabase({ folder });
  console.log('opened');
  const queue = await StudyQueue.open(database, { onError: (error) => console.error(error), pollingSeconds: 0.5 });
  const now = () => new Date();
  for (const studyInstanceUid of studies) await requestStudy({ database, queue }, { studyInstanceUid, reason: 'received', now: now() });
  console.log('queued');
  await workOnStudies({
    database, queue, concurrency: 1, now, log: console,
    run: async ({ studyInstanceUid, requestId }) => {
      const run = await beginRun(database, { studyInstanceUid, fingerprint: 'f', requestId, now: now() });
      console.log('begun ' + run.id);
      if (studyInstanceUid === 'study.hang') await new Promise(() => setInterval(() => {}, 1000));
      await finishRun(database, run, { outcome: 'done', now: now() });
    },
  });
`;

let folder: string;
let children: ChildProcess[];

beforeEach(() => {
  folder = path.join(mkdtempSync(path.join(tmpdir(), 'queue-restart-')), 'database');
  children = [];
});

afterEach(async () => {
  await Promise.all(children.map(kill));
  await rm(path.dirname(folder), { recursive: true });
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Starts a node; `says` gives the first of its lines that starts with a word. */
function startNode(...studies: string[]) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', NODE_PROGRAM, folder, ...studies], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const says = async (word: string): Promise<string> => {
    for (let next = await lines.next(); !next.done; next = await lines.next()) {
      if (next.value.startsWith(word)) return next.value;
    }
    throw new Error(`the node ended before it said "${word}"`);
  };
  return { child, says };
}

const now = (): Date => new Date();

/** Opens what the killed node left, works off the queue, and tells what it saw. */
async function workOff() {
  const database = await openDatabase({ folder });
  const queue = await StudyQueue.open(database, {
    pollingSeconds: 0.5,
    onError: (error) => {
      throw error;
    },
  });
  const before = await queue.counts();
  const jobs: StudyJob[] = [];
  const runs: number[] = [];
  workOnStudies({
    database,
    queue,
    concurrency: 1,
    now,
    log: console,
    run: async (job) => {
      jobs.push(job);
      const { studyInstanceUid, requestId } = job;
      const run = await beginRun(database, { studyInstanceUid, fingerprint: 'f', requestId, now: now() });
      runs.push(run.id);
      await finishRun(database, run, { outcome: 'done', now: now() });
    },
  });
  await queue.drained();
  const { studies } = await findStudies(database, {}, { limit: 1000, offset: 0 });
  const after = await queue.counts();
  await queue.stop({ graceMs: 0 });
  await database.close();
  return { before, jobs, runs, studies: studies.map(({ study }) => study), after };
}

describe('after a kill', () => {
  it('every queued study is still there, and the one being worked on is taken up again as the same run', async () => {
    const waiting = Array.from({ length: 199 }, (_, place) => `study.${place}`);
    const { child, says } = startNode('study.hang', ...waiting);
    await says('queued');
    const begun = await says('begun');
    await kill(child);
    const { before, jobs, runs, studies, after } = await workOff();
    expect(before).toEqual({ waiting: 200, active: 0, dead: 0 });
    expect(jobs.map(({ studyInstanceUid }) => studyInstanceUid).sort()).toEqual(
      ['study.hang', ...waiting].sort(),
    );
    const taken = jobs.findIndex(({ studyInstanceUid }) => studyInstanceUid === 'study.hang');
    expect(jobs[taken]).toMatchObject({ takeovers: 1 });
    expect(`begun ${runs[taken]}`).toBe(begun);
    expect(studies.map(({ state }) => state)).toEqual(Array(200).fill('done'));
    expect(after).toEqual({ waiting: 0, active: 0, dead: 0 });
  });

  it('at any moment, from the making of the database on, no study is lost or done twice', async () => {
    const studies = Array.from({ length: 20 }, (_, place) => `study.${place}`);
    // The first start takes some seconds (the database is made), a later one about one.
    for (const afterMs of [300, 1_000, 2_000]) {
      const { child, says } = startNode(...studies);
      await says('opening');
      await delay(afterMs);
      await kill(child);
    }
    for (const word of ['queued', 'begun', 'begun']) {
      const { child, says } = startNode(...studies);
      await says(word);
      await kill(child);
    }
    const { studies: left, after } = await workOff();
    expect(left.map(({ studyInstanceUid }) => studyInstanceUid).sort()).toEqual(studies.sort());
    expect(left.map(({ state }) => state)).toEqual(Array(20).fill('done'));
    expect(after).toEqual({ waiting: 0, active: 0, dead: 0 });
  });
});

it('a second process is refused while the first is alive, and finds everything after it was killed', async () => {
  const { child, says } = startNode('study.hang');
  await says('begun');
  await expect(openDatabase({ folder })).rejects.toMatchObject({
    code: 'DATABASE_IN_USE',
    message: expect.stringContaining(`process ${child.pid}`),
  });
  await kill(child);
  const database = await openDatabase({ folder });
  const { studies } = await findStudies(database, {}, { limit: 10, offset: 0 });
  expect(studies).toMatchObject([{ study: { studyInstanceUid: 'study.hang', state: 'running' } }]);
  await database.close();
  expect(existsSync(path.join(folder, 'lock-owner.json'))).toBe(false);
});
