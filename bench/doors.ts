import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { messageOf } from '../src/coded-error.ts';
import { DicomWebClient } from '../src/dicom/web/client.ts';
import { startEmbeddedArchive } from '../test/support/archives.ts';
import { freePort } from '../test/support/free-port.ts';
import { hostileStudies, NOT_OFFERED } from '../test/support/hostile-answers.ts';
import { startHostileArchive } from '../test/support/hostile-archive.ts';
import { hostileFile, hostileInstances } from '../test/support/hostile-instances.ts';
import { startOrthanc } from '../test/support/orthanc.ts';
import { storeRaw } from '../test/support/raw-dimse.ts';
import { stowBody } from '../test/support/receiving.ts';
import { serve } from '../test/support/serve-process.ts';
import { writeSmallModels } from '../test/support/small-models.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from '../test/support/small-series.ts';
import type { BenchOptions, BenchRow } from './bench-row.ts';
import type { Probed } from './health-probe.ts';

/** What is wanted on an idle machine. */
const LONGEST_SILENCE_MS = 250;
const MOST_GROWTH_BYTES = 300e6;
const QUIET_MS = 10_000;
/** Larger ones hold an Orthanc itself for minutes, and then nobody's study can be had. */
const ORTHANC_SHARE = 0.05;
/** A study that hangs is one that the archive keeps waiting. */
const STUDY_LIMIT_MS = 60_000;
const PROBE = path.join(import.meta.dirname, 'health-probe.ts');
const LOOP_WATCH = path.join(import.meta.dirname, 'loop-watch.ts');
const IDLE_SERVER = path.join(import.meta.dirname, 'idle-server.ts');

const listing = z.object({ study: z.object({ state: z.string(), reason: z.string().nullish() }) });

interface Attack {
  readonly name: string;
  /** @returns what became of it */
  readonly run: () => Promise<string>;
}

/**
 * Hostile inputs at both doors and from the archive of a node that runs, while a process of its own asks for
 * /healthz: the longest time without an answer, beside that of a server that does nothing, and the memory.
 * What is printed on the way says too how long the node's main thread computed without a pause, in time of
 * the processor: on a busy machine that alone is the node's doing. DOORS_ONLY: an expression for what is
 * tried. DOORS_ARCHIVE=orthanc: the archive is a real Orthanc, in which strangers store as well.
 */
export async function benchDoors({ quick, folder }: BenchOptions): Promise<BenchRow[]> {
  if (process.platform !== 'linux') return []; // only there can the memory of another process be measured
  const scale = quick ? 0.002 : 1;
  const orthanc = process.env['DOORS_ARCHIVE'] === 'orthanc' ? await startOrthanc() : undefined;
  const honest = orthanc ?? (await startEmbeddedArchive());
  const archive = await startHostileArchive(honest.url);
  const [port, dimsePort] = [await freePort(), await freePort()];
  const own = path.join(folder, 'doors');
  await mkdir(own, { recursive: true });
  const configuration = path.join(own, 'node.yaml');
  const sections = {
    archive: { kind: 'dicomweb', url: archive.url, timeoutSeconds: 20 },
    database: { folder: path.join(own, 'database') },
    audit: { folder: path.join(own, 'audit') },
    intake: {
      spoolFolder: path.join(own, 'spool'),
      dimse: { enabled: true, port: dimsePort, aeTitle: 'NODE' },
    },
    models: await writeSmallModels(path.join(own, 'models')),
    selection: { siteRules: SMALL_SERIES_RULES },
    inference: { threads: 1 },
    queue: { retries: 0 },
    watch: { schedule: '*/2 * * * * *', lookBack: 'all', stableForSeconds: 0 },
    http: { port },
  };
  await writeFile(configuration, JSON.stringify(sections)); // JSON is YAML too
  const turns = path.join(own, 'turns');
  await writeFile(turns, '');
  process.env['NODE_OPTIONS'] = `--import ${LOOP_WATCH}`;
  process.env['LOOP_WATCH'] = turns;
  process.once('SIGTERM', () => process.exit(1)); // `serve` ends its node then
  const node = serve(configuration);
  delete process.env['NODE_OPTIONS'];
  /** The longest turn of the node's main thread since the last call, in ms of the processor. */
  const takeTurn = async (): Promise<number> => {
    const lines = (await readFile(turns, 'utf8')).split('\n').map(Number);
    await writeFile(turns, '');
    return Math.max(...lines);
  };
  const idle = spawn(process.execPath, [IDLE_SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const probes: ChildProcess[] = [idle];
  try {
    await node.says(/the node is running/);
    const url = `http://127.0.0.1:${port}`;
    const [idlePort] = await once(idle.stdout, 'data');
    const probe = spawn(
      process.execPath,
      [PROBE, String(node.pid), `${url}/healthz`, `http://127.0.0.1:${String(idlePort).trim()}/`],
      { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
    );
    probes.push(probe);
    pin(`${CORES - 1}`);
    const take = async (): Promise<Probed> => {
      const taken = once(probe, 'message');
      probe.send('take');
      return (await taken)[0] as Probed;
    };

    let count = 0;
    const nextStudy = (): string => `1.2.77.${(count += 1)}`;
    const stow = async (parts: readonly Uint8Array[]): Promise<string> => {
      const { body, type } = stowBody(parts);
      const headers = { 'Content-Type': type };
      const answer = await fetch(`${url}/dicom-web/studies`, { method: 'POST', headers, body });
      const said = await answer.text();
      return `${answer.status} ${/"00081197":\{"vr":"US","Value":\[(\d+)/.exec(said)?.[1] ?? ''}`.trim();
    };
    const stateOf = async (study: string): Promise<string> => {
      const answer = await fetch(`${url}/api/studies/${study}`);
      if (!answer.ok) return `${answer.status}`;
      const { state, reason } = listing.parse(await answer.json()).study;
      return `${state}${reason ? `: ${reason}` : ''}`;
    };
    const ended = async (study: string): Promise<string> => {
      for (const limit = performance.now() + STUDY_LIMIT_MS; performance.now() < limit; await wait(100)) {
        const state = await stateOf(study);
        if (/^(done|failed|skipped)/.test(state)) return state;
      }
      return `not ended: ${await stateOf(study)}`;
    };
    const ordinary: string[] = [];
    const sendOrdinary = async (): Promise<void> => {
      const study = nextStudy();
      ordinary.push(study);
      await stow(smallCtSeries(study));
    };
    const honestClient = new DicomWebClient({ url: honest.url });

    const attacks: Attack[] = [
      { name: 'none, an ordinary study', run: () => ended(ordinary.at(-1) ?? '') },
      ...hostileInstances(scale).flatMap((instance) => {
        const [byStore, byStow] = [nextStudy(), nextStudy()];
        const sopUid = `${byStore}.1.1`;
        return [
          {
            name: `C-STORE, ${instance.name}`,
            run: async () => {
              const { transferSyntaxUid } = instance;
              const dataSet = instance.dataSet(sopUid, byStore);
              const status = await storeRaw(dimsePort, { sopUid, transferSyntaxUid, dataSet });
              return typeof status === 'number' ? `0x${status.toString(16)}` : status;
            },
          },
          {
            name: `STOW-RS, ${instance.name}`,
            run: () => stow([hostileFile(instance, `${byStow}.1.1`, byStow)]),
          },
        ];
      }),
      ...hostileStudies(scale).map(({ name, askedFor, answer, hasNoMetadata = false }) => ({
        name: `archive, ${name}`,
        run: async () => {
          const study = nextStudy();
          if (hasNoMetadata) archive.answer(study, 'metadata', NOT_OFFERED);
          archive.answer(study, askedFor, answer(study));
          await honestClient.store(undefined, smallCtSeries(study));
          return ended(study);
        },
      })),
      ...(orthanc ? hostileInstances(scale * ORTHANC_SHARE) : []).map((instance) => ({
        name: `Orthanc, ${instance.name}`,
        run: async () => {
          const study = nextStudy();
          const body = Buffer.from(hostileFile(instance, `${study}.1.1`, study));
          const answer = await fetch(`${orthanc?.restUrl}/instances`, { method: 'POST', body });
          return answer.ok ? ended(study) : `Orthanc refuses it: ${answer.status}`;
        },
      })),
    ];
    const only = process.env['DOORS_ONLY'];

    await sendOrdinary();
    await ended(ordinary[0] ?? '');
    await take();
    await wait(quick ? 1000 : QUIET_MS);
    const { seen: quiet, peakBytes: before } = await take();
    await takeTurn();
    const rows: BenchRow[] = [];
    let worst = { longestMs: 0, peakBytes: 0 };
    // Of each kind one shows that it runs.
    const tried = quick ? attacks.filter((_, index) => index % 9 === 0) : attacks;
    for (const { name, run } of tried) {
      if (only && !new RegExp(only).test(name)) continue;
      await sendOrdinary();
      const started = performance.now();
      const outcome = await run().catch((error: unknown) => `threw ${messageOf(error)}`);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      const { seen, peakBytes } = await take();
      const turnMs = await takeTurn();
      const [health = NOTHING, control = NOTHING] = seen;
      const growth = `+${((peakBytes - before) / 1e6).toFixed(0)} MB`;
      process.stderr.write(
        `${name}: ${outcome}; ${seconds} s, ${growth}, silent ${health.longestMs.toFixed(0)} ms ` +
          `(idle server ${control.longestMs.toFixed(0)} ms), longest turn ${turnMs} ms, ` +
          `${health.failures} unanswered\n`,
      );
      if ((health.failures > 0 && !only) || !node.isAlive())
        throw new Error(`${name}: /healthz was not answered`);
      worst = {
        longestMs: Math.max(worst.longestMs, health.longestMs),
        peakBytes: Math.max(worst.peakBytes, peakBytes),
      };
      rows.push({
        name: `doors: ${name}, longest silence`,
        value: health.longestMs,
        unit: 'ms',
        peer: { name: 'idle server', value: control.longestMs },
      });
    }
    const states = await Promise.all(ordinary.map(ended));
    const undone = states.filter((state) => state !== 'done');
    if (undone.length > 0) throw new Error(`ordinary studies were not done: ${undone.join('; ')}`);
    const [quietHealth = NOTHING] = quiet;
    return [
      ...rows,
      { name: 'doors: quiet, longest silence', value: quietHealth.longestMs, unit: 'ms' },
      {
        name: 'doors: longest silence of all',
        value: worst.longestMs,
        unit: 'ms',
        peer: { name: 'wanted', value: LONGEST_SILENCE_MS },
      },
      {
        name: 'doors: longest silence, as a multiple of the quiet one',
        value: worst.longestMs / quietHealth.longestMs,
        unit: 'times',
      },
      {
        name: 'doors: growth of memory',
        value: (worst.peakBytes - before) / 1e6,
        unit: 'MB',
        peer: { name: 'wanted', value: MOST_GROWTH_BYTES / 1e6 },
      },
      { name: 'doors: ordinary studies done meanwhile', value: states.length, unit: 'studies' },
      { name: 'doors: load of the machine (average of a minute)', value: loadavg()[0] ?? 0, unit: '' },
    ];
  } finally {
    pin(`0-${CORES - 1}`);
    for (const child of probes) child.kill();
    await node.kill();
    await archive.stop();
    await honest.stop();
  }
}

const NOTHING = { longestMs: 0, failures: 0 };

const CORES = availableParallelism();

/** What sends and serves keeps to one core, so that the node has the others. */
function pin(cores: string): void {
  if (CORES < 2) return;
  try {
    execFileSync('taskset', ['-apc', cores, String(process.pid)], { stdio: 'ignore' });
  } catch {
    process.stderr.write('without taskset: what sends may take the cores of the node\n');
  }
}
