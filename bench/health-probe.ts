/**
 * Asks servers for /healthz or the like, one request after the other, in a process of its own: what it
 * measures is not held up by what the bench does. `health-probe.ts PID URL...`; on the message `take` it sends
 * what it has seen since the last one, and begins anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

/** What a probe has seen of one address. */
interface Seen {
  /** Longest time until an answer, in ms. */
  readonly longestMs: number;
  readonly answers: number;
  readonly failures: number;
}

export interface Probed {
  /** In the order of the addresses. */
  readonly seen: readonly Seen[];
  /** Of the watched process: most resident memory, in bytes. */
  readonly peakBytes: number;
}

const PAUSE_MS = 10;
const [pid, ...urls] = process.argv.slice(2);
const NOTHING = { longestMs: 0, answers: 0, failures: 0 };
let seen = urls.map(() => ({ ...NOTHING }));
/** When the request that is under way was sent. */
const askedAt = urls.map(() => performance.now());

function peak(): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

async function ask(url: string, agent: Agent): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const request = get(url, { agent }, (response) => {
    response.resume().once('end', () => resolve(response.statusCode === 200));
  });
  request.once('error', () => resolve(false));
  return promise;
}

function note(index: number): void {
  const own = seen[index];
  if (own) own.longestMs = Math.max(own.longestMs, performance.now() - (askedAt[index] ?? 0));
}

async function watch(url: string, index: number): Promise<never> {
  const agent = new Agent({ keepAlive: true });
  for (;;) {
    askedAt[index] = performance.now();
    const isAnswered = await ask(url, agent);
    note(index);
    const own = seen[index];
    if (own) own[isAnswered ? 'answers' : 'failures'] += 1;
    await wait(PAUSE_MS);
    askedAt[index] = performance.now();
  }
}

process.on('message', () => {
  for (const index of seen.keys()) note(index);
  const taken = seen;
  seen = urls.map(() => ({ ...NOTHING }));
  const probed: Probed = { seen: taken, peakBytes: peak() };
  writeFileSync(`/proc/${pid}/clear_refs`, '5'); // the peak begins anew
  process.send?.(probed);
});
for (const [index, url] of urls.entries()) void watch(url, index);
