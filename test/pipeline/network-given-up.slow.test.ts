import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { isNetworkProcess, networkProcesses } from '../support/network-processes.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { type ServeProcess, serve } from '../support/serve-process.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from '../support/small-series.ts';
import { storedResults } from '../support/stored-results.ts';
import { SIGN_MODEL, signNetwork, slowNetwork, writeModel } from '../support/tiny-onnx.ts';

const STUDY = '2.25.982.1';
/** A machine with other work is slow, and not as slow as the network here. */
const PATIENCE = { timeout: 60_000 };
const GRACE_SECONDS = 1;

const study = z.object({
  study: z.object({ state: z.string(), errorCode: z.string().optional() }),
  progress: z.object({ stage: z.string(), fraction: z.number().optional() }).optional(),
});

let folder: string;
let archive: RunningArchive;
let client: DicomWebClient;
let node: ServeProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'given-up-'));
  archive = await startEmbeddedArchive();
  client = new DicomWebClient({ url: archive.url });
  await client.storeVerified(STUDY, smallCtSeries(STUDY));
});
afterEach(async () => {
  await node?.kill();
  await archive.stop();
  await rm(folder, { recursive: true, force: true });
});

const putModel = (network: Uint8Array) =>
  writeModel(path.join(folder, 'models'), SIGN_MODEL, { 'fold_0.onnx': network });

async function startNode(queue: object = {}): Promise<{ url: string; pid: number; node: ServeProcess }> {
  const file = path.join(folder, 'site.yaml');
  const configuration = {
    dataFolder: folder,
    archive: { kind: 'dicomweb', url: archive.url },
    watch: { schedule: '* * * * * *', lookBack: 'all', stableForSeconds: 0 },
    selection: { siteRules: SMALL_SERIES_RULES },
    models: { folder: path.join(folder, 'models'), CT: SIGN_MODEL.name },
    queue,
    http: { port: 0 },
    shutdown: { graceSeconds: GRACE_SECONDS },
  };
  await writeFile(file, JSON.stringify(configuration));
  const started = serve(file);
  node = started;
  await started.says(/the node is running/);
  return { url: /"url":"([^"]+)"/.exec(started.log())?.[1] ?? '', pid: started.pid ?? 0, node: started };
}

async function look(url: string) {
  const answer = await fetch(`${url}/api/studies/${STUDY}`);
  return study.parse(await answer.json());
}

/** When the network is at its first pass, which takes minutes. */
async function whenInNetwork(url: string, pid: number): Promise<number> {
  await vi.waitFor(async () => expect((await look(url)).progress?.stage).toBe('segment'), PATIENCE);
  const [process] = await networkProcesses(pid);
  if (process === undefined) throw new Error('there is no process for the network');
  return process;
}

describe('a forward pass of minutes', () => {
  it('is given up at SIGTERM: the node ends in its time; the study is taken up again, once', async () => {
    await putModel(slowNetwork(SIGN_MODEL.patchSize));
    const { url, pid, node: first } = await startNode();
    const network = await whenInNetwork(url, pid);
    const asked = performance.now();
    await first.stop();
    expect((performance.now() - asked) / 1000).toBeLessThan(GRACE_SECONDS + 8);
    expect(await isNetworkProcess(network)).toBe(false);

    await putModel(signNetwork(SIGN_MODEL.patchSize));
    const { url: again } = await startNode();
    await vi.waitFor(async () => expect((await look(again)).study.state).toBe('done'), PATIENCE);
    const { segmentations, reports } = await storedResults(client, [STUDY]);
    expect([segmentations.get(STUDY)?.length, reports.get(STUDY)?.length]).toEqual([1, 1]);
  });

  it('ends with a node that is killed', async () => {
    await putModel(slowNetwork(SIGN_MODEL.patchSize));
    const { url, pid, node: first } = await startNode();
    const network = await whenInNetwork(url, pid);
    await first.kill();
    await vi.waitFor(async () => expect(await isNetworkProcess(network)).toBe(false), { timeout: 5_000 });
  });

  it('is ended by the limit of its stage', async () => {
    await putModel(slowNetwork(SIGN_MODEL.patchSize));
    const limits = { retrieve: 1, segment: 0.05, store: 1 };
    const { url, pid } = await startNode({ retries: 0, stageTimeoutMinutes: limits });
    await vi.waitFor(async () => expect((await look(url)).study.errorCode).toBe('STAGE_TOO_SLOW'), PATIENCE);
    expect(await networkProcesses(pid)).toEqual([]);
  });
});

it('a network whose process is killed is the failure of its study, which is tried again', async () => {
  await putModel(slowNetwork(SIGN_MODEL.patchSize));
  const { url, pid } = await startNode({ retryDelaySeconds: 1, retryDelayMaxSeconds: 1 });
  const network = await whenInNetwork(url, pid);
  await putModel(signNetwork(SIGN_MODEL.patchSize));
  process.kill(network, 'SIGKILL');
  await vi.waitFor(async () => expect((await look(url)).study.state).toBe('done'), PATIENCE);
  const { segmentations, reports } = await storedResults(client, [STUDY]);
  expect([segmentations.get(STUDY)?.length, reports.get(STUDY)?.length]).toEqual([1, 1]);
});
