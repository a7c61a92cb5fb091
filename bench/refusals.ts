import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { addToken } from '../src/http/security/token-file.ts';
import { openDatabase } from '../src/store/database/database.ts';
import type { BenchOptions, BenchRow } from './bench-row.ts';
import { fillHistory } from './pages.ts';
import { median } from './stopwatch.ts';

const CONNECTIONS = 64;
/** What was promised: under attack a person's page takes at most so many times what it takes else. */
const MOST_TIMES = 2;
const MOST_AUDIT_KB = 1_000;

/** What a minute of unauthenticated requests costs a person who is logged in, and the audit log. */
export async function benchRefusals({ quick, folder: parent }: BenchOptions): Promise<BenchRow[]> {
  const folder = path.join(parent, 'refusals');
  const seconds = quick ? 5 : 60;
  const token = await prepare(folder);
  const child = spawn(process.execPath, ['src/cli.ts', 'serve', '--config', path.join(folder, 'site.yaml')], {
    stdio: 'ignore',
  });
  try {
    const url = await started(folder);
    const cookie = await logIn(url, token);
    await pageTimes(url, cookie, 2);
    const quiet = median(await pageTimes(url, cookie, seconds / 4));
    const before = await auditKilobytes(folder);
    const attacker = new Worker(new URL('refusals-attacker.ts', import.meta.url), {
      workerData: { port: Number(new URL(url).port), connections: CONNECTIONS },
    });
    const attacked = median(await pageTimes(url, cookie, seconds));
    attacker.postMessage('end', []);
    const [answered] = await once(attacker, 'message');
    child.kill('SIGTERM'); // what is counted by the minute is written
    await once(child, 'exit');
    const grown = (await auditKilobytes(folder)) - before;
    const what = `refusals: ${CONNECTIONS} strangers, ${seconds} s`;
    return [
      { name: "refusals: a person's page, quiet", value: quiet, unit: 'ms' },
      {
        name: `${what}: a person's page`,
        value: attacked,
        unit: 'ms',
        peer: { name: 'promised', value: MOST_TIMES * quiet },
      },
      {
        name: `${what}: audit folder grows by`,
        value: grown,
        unit: 'kB',
        peer: { name: 'promised', value: MOST_AUDIT_KB },
      },
      { name: `${what}: answers to them`, value: Number(answered) / seconds, unit: '1/s' },
    ];
  } finally {
    child.kill('SIGKILL');
  }
}

/** A node with a history, and a token for a person. */
async function prepare(folder: string): Promise<string> {
  const database = await openDatabase({ folder: path.join(folder, 'database') });
  await fillHistory(database, 500, 150);
  await database.close();
  const tokensFile = path.join(folder, 'tokens.json');
  const site = {
    dataFolder: folder,
    archive: { folder: 'archive' },
    database: { folder: 'database' },
    intake: { spoolFolder: 'spool' },
    audit: { folder: 'audit' },
    auth: { tokensFile },
    http: { port: 0 },
    log: { file: 'log.jsonl' },
    watch: { schedule: '0 0 0 29 2 *' },
  };
  await writeFile(path.join(folder, 'site.yaml'), JSON.stringify(site));
  return addToken(tokensFile, { name: 'person', role: 'viewer', expires: null, now: new Date() });
}

/** Where the node says that it runs. */
async function started(folder: string): Promise<string> {
  for (;;) {
    const log = await readFile(path.join(folder, 'log.jsonl'), 'utf8').catch(() => '');
    const url = /"url":"([^"]+)"[^\n]*the node is running/.exec(log)?.[1];
    if (url !== undefined) return url;
    await delay(100);
  }
}

async function logIn(url: string, token: string): Promise<string> {
  const answer = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { Origin: url },
    body: new URLSearchParams({ token }),
    redirect: 'manual',
  });
  return answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
}

async function pageTimes(url: string, Cookie: string, seconds: number): Promise<number[]> {
  const times: number[] = [];
  for (const end = performance.now() + 1000 * seconds; performance.now() < end; ) {
    const start = performance.now();
    const answer = await fetch(`${url}/?when=all`, { headers: { Cookie } });
    if (answer.status !== 200) throw new Error(`a person's page was answered ${answer.status}`);
    await answer.text();
    times.push(performance.now() - start);
    await delay(100);
  }
  return times;
}

async function auditKilobytes(folder: string): Promise<number> {
  const audit = path.join(folder, 'audit');
  const sizes = (await readdir(audit)).map(async (name) => (await stat(path.join(audit, name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0) / 1000;
}
