import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Volume } from '../../src/dicom/volume.ts';
import { configuredModels } from '../../src/pipeline/run/models.ts';
import { ModelProcesses } from '../../src/segmentation/apart/model-processes.ts';
import { loadModel, type Model } from '../../src/segmentation/model/model-folder.ts';
import { networkProcesses } from '../support/network-processes.ts';
import { SIGN_MODEL, signNetwork, slowNetwork, writeModel } from '../support/tiny-onnx.ts';

const PROGRAM = new URL('../../src/segmentation/apart/segment-process.ts', import.meta.url);
const QUICK = signNetwork(SIGN_MODEL.patchSize);

let root: string;
let open: ModelProcesses[] = [];
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'staying-'));
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.end();
  await rm(root, { recursive: true });
});

function processes(idleMs = 600_000): ModelProcesses {
  const made = new ModelProcesses({ program: PROGRAM, idleMs });
  open.push(made);
  return made;
}

const modelOf = async (name: string, network: Uint8Array): Promise<Model> =>
  loadModel(await writeModel(root, { ...SIGN_MODEL, name }, { 'fold_0.onnx': network }));

const loaded = ({ info, networks, stamps }: Model) => ({
  info,
  networks: networks.map((file) => ({ file, stamp: stamps.get(file) ?? '' })),
  threads: 1,
  executionProviders: ['cpu'] as const,
});

/** Half of it is organ for the networks here; `at` moves it. */
function volume(at = 0): Volume {
  const voxels = new Int16Array(12 * 12 * 6).map((_, i) => ((i + at) % 13 < 6 ? 100 : -50));
  return { voxels, size: [12, 12, 6], affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -2, 0, 0, 0, 0, 1] };
}

const foundIn = ({ voxels }: Volume): Uint8Array => Uint8Array.from(voxels, (value) => (value > 50 ? 1 : 0));

describe('a model that stays', () => {
  test('segments one volume after another in one process, each as it is', async () => {
    const model = loaded(await modelOf('stays', QUICK));
    const held = processes();
    const seen = new Set<number>();
    for (const at of [0, 1, 5]) {
      const { mask } = await held.segment(volume(at), model, {});
      expect(mask).toEqual(foundIn(volume(at)));
      for (const id of await networkProcesses()) seen.add(id);
    }
    expect(seen.size).toBe(1);
  });

  test('ends before another model starts, so that there is one network per volume at work', async () => {
    const [first, second] = [loaded(await modelOf('first', QUICK)), loaded(await modelOf('second', QUICK))];
    const held = processes();
    await held.segment(volume(), first, {});
    const [before] = await networkProcesses();
    await held.segment(volume(), second, {});
    const after = await networkProcesses();
    expect(after).toHaveLength(1);
    expect(after).not.toEqual([before]);
  });

  test('ends after its idle time', async () => {
    await processes(100).segment(volume(), loaded(await modelOf('idle', QUICK)), {});
    await vi.waitFor(async () => expect(await networkProcesses()).toEqual([]), 10_000);
  });

  test('serves on after a volume that is of no use', async () => {
    const model = loaded(await modelOf('useless', QUICK));
    const held = processes();
    const empty = { ...volume(), voxels: new Int16Array(12 * 12 * 6) };
    await expect(held.segment(empty, model, {})).rejects.toMatchObject({ code: 'VOLUME_UNUSABLE' });
    const before = await networkProcesses();
    expect((await held.segment(volume(), model, {})).mask).toEqual(foundIn(volume()));
    expect(await networkProcesses()).toEqual(before);
  });
});

async function killAll(): Promise<void> {
  for (const id of await networkProcesses()) process.kill(id, 'SIGKILL');
}

describe('a process for the network that is killed', () => {
  test('is the failure of its volume, and may pass; the next one gets a fresh process', async () => {
    const held = processes();
    const killed = held.segment(volume(), loaded(await modelOf('slow', slowNetwork([4, 8, 8]))), {
      onProgress: () => void killAll(),
    });
    const failure = { code: 'INFERENCE_FAILED', message: expect.stringContaining('SIGKILL') };
    await expect(killed).rejects.toMatchObject(failure);
    expect(await networkProcesses()).toEqual([]);
    const { mask } = await held.segment(volume(), loaded(await modelOf('quick', QUICK)), {});
    expect(mask).toEqual(foundIn(volume()));
  });

  test('while it is idle gives way to a fresh one, as soon as that is known', async () => {
    const model = loaded(await modelOf('idle', QUICK));
    const held = processes();
    await held.segment(volume(), model, {});
    const [id = 0] = await networkProcesses();
    process.kill(id, 'SIGKILL');
    const { mask } = await vi.waitFor(() => held.segment(volume(), model, {}), 10_000);
    expect(mask).toEqual(foundIn(volume()));
  });
});

test('a forward pass of minutes is given up at once, and its memory is free then', async () => {
  const stopping = new AbortController();
  let aborted = Number.POSITIVE_INFINITY;
  const segmenting = processes().segment(volume(), loaded(await modelOf('slow', slowNetwork([4, 8, 8]))), {
    signal: stopping.signal,
    // The first says that it begins.
    onProgress: () => {
      aborted = performance.now();
      stopping.abort(new Error('shutting down'));
    },
  });
  await expect(segmenting).rejects.toThrow('shutting down');
  expect(performance.now() - aborted).toBeLessThan(5_000);
  expect(await networkProcesses()).toEqual([]);
});

describe('a file of a model that is changed between studies', () => {
  test('is not used by who has loaded the model before; that may pass', async () => {
    const model = await modelOf('changed', QUICK);
    const held = processes();
    await held.segment(volume(), loaded(model), {});
    await writeFile(model.networks[0] ?? '', QUICK);
    const failure = { code: 'INFERENCE_FAILED', message: expect.stringContaining('was changed') };
    await expect(held.segment(volume(), loaded(model), {})).rejects.toMatchObject(failure);
  });

  test('is refused by the next study where its sha256 is not the model own', async () => {
    const { networks } = await modelOf('damaged', QUICK);
    const models = configuredModels({ CT: 'damaged', T1W: null, T2W: null }, root);
    await models.load('CT_ABDOMEN');
    await writeFile(networks[0] ?? '', slowNetwork([4, 8, 8]));
    await expect(models.load('CT_ABDOMEN')).rejects.toMatchObject({ code: 'MODEL_CHANGED' });
    await writeFile(networks[0] ?? '', QUICK);
    await expect(models.load('CT_ABDOMEN')).resolves.toMatchObject({ info: { name: 'damaged' } });
  });

  test('counts as another model where another one was put in its place', async () => {
    await modelOf('replaced', QUICK);
    const models = configuredModels({ CT: 'replaced', T1W: null, T2W: null }, root);
    const before = await models.load('CT_ABDOMEN');
    expect(await models.load('CT_ABDOMEN')).toBe(before);
    await modelOf('replaced', slowNetwork([4, 8, 8]));
    expect((await models.load('CT_ABDOMEN')).sha256).not.toBe(before.sha256);
  });
});
