import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listModels, loadModel } from '../../src/segmentation/model/model-folder.ts';
import { SIGN_MODEL, writeModel } from '../support/tiny-onnx.ts';

const BYTES = Uint8Array.of(1, 2, 3);
let root: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'models-'));
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

/** Writes a model whose model.json was changed. */
async function writeChanged(change: (json: Record<string, unknown>) => void): Promise<string> {
  const folder = await writeModel(root, SIGN_MODEL, { 'fold_0.onnx': BYTES });
  const file = path.join(folder, 'model.json');
  const json: Record<string, unknown> = JSON.parse(await readFile(file, 'utf8'));
  change(json);
  await writeFile(file, JSON.stringify(json));
  return folder;
}

const fingerprint = async (change: (json: Record<string, unknown>) => void) => {
  const { sha256 } = await loadModel(await writeChanged(change));
  return sha256;
};

describe('loading a model', () => {
  test('finds it by name in a root, or by its folder, folds in the order of their numbers', async () => {
    const networks = { 'fold_10.onnx': BYTES, 'fold_2.onnx': BYTES, 'fold_0.onnx': BYTES };
    const folder = await writeModel(root, SIGN_MODEL, networks);
    const byName = await loadModel('sign', ['nowhere', root]);
    expect(byName).toEqual(await loadModel(folder));
    expect(byName.info.patchSize).toEqual([4, 8, 8]);
    expect(byName.networks.map((file) => path.basename(file))).toEqual([
      'fold_0.onnx',
      'fold_2.onnx',
      'fold_10.onnx',
    ]);
  });

  test('takes its calibration from the folder, and none that was made with another model', async () => {
    const folder = await writeModel(root, SIGN_MODEL, { 'fold_0.onnx': BYTES });
    const { sha256, calibrations } = await loadModel(folder);
    expect(calibrations).toEqual({});
    const one = { volumeMl: 50, trueVolumeMl: 52, softmaxRangeMl: { low: 48, high: 53 } };
    const cases = Array.from({ length: 19 }, (_, i) => ({ ...one, name: String(i) }));
    const made = { format: 1, mode: 'exact', source: 'drawn', cases };
    const write = (model: string) =>
      writeFile(path.join(folder, 'calibration.json'), JSON.stringify({ ...made, model }));
    await write(sha256);
    const calibrated = await loadModel(folder);
    expect(calibrated).toMatchObject({ sha256, calibrations: { exact: { source: 'drawn', caseCount: 19 } } });
    await write('0'.repeat(64));
    await expect(loadModel(folder)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(/calibration\.json was made with another model/),
    });
  });

  test('that is nowhere names the folders looked at', async () => {
    await expect(loadModel('absent', [root])).rejects.toMatchObject({
      code: 'MODEL_MISSING',
      message: expect.stringContaining(
        `no model.json in ${path.join(root, 'absent')} or ${path.resolve('absent')}`,
      ),
    });
  });

  test('refuses a file that changed by one byte', async () => {
    const folder = await writeModel(root, SIGN_MODEL, { 'fold_0.onnx': BYTES });
    await appendFile(path.join(folder, 'fold_0.onnx'), 'x');
    await expect(loadModel(folder)).rejects.toMatchObject({
      code: 'MODEL_CHANGED',
      message: expect.stringContaining(path.join(folder, 'fold_0.onnx')),
    });
  });

  test('refuses a model without a network that model.json names', async () => {
    const folder = await writeModel(root, SIGN_MODEL, { 'fold_0.onnx': BYTES });
    await rm(path.join(folder, 'fold_0.onnx'));
    await expect(loadModel(folder)).rejects.toMatchObject({
      code: 'MODEL_MISSING',
      message: expect.stringContaining('fold_0.onnx'),
    });
  });

  test.each<[string, (json: Record<string, unknown>) => void, string]>([
    ['an unknown key', (json) => (json['colour'] = 'red'), 'colour'],
    [
      'an unknown key further in',
      (json) => (json['inference'] = { stepSize: 0.5, mirrorAxes: [], tta: 1 }),
      'tta',
    ],
    ['a missing key', (json) => delete json['spacing'], 'spacing'],
    ['another format', (json) => (json['format'] = 2), 'format'],
    ['an axis twice', (json) => (json['transposeForward'] = [0, 0, 1]), 'transposeForward'],
    ['a spacing of zero', (json) => (json['spacing'] = [0, 1, 1]), 'spacing[0]'],
    ['an impossible orientation', (json) => (json['orientation'] = 'LRS'), 'orientation'],
    ['a file outside its folder', (json) => (json['files'] = { '../fold_0.onnx': 'a'.repeat(64) }), 'files'],
    ['no network', (json) => (json['files'] = {}), 'files'],
  ])('refuses a model.json with %s, and names its place', async (_, change, place) => {
    const folder = await writeChanged(change);
    await expect(loadModel(folder)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining(place),
    });
    await expect(loadModel(folder)).rejects.toThrow(path.join(folder, 'model.json'));
  });

  test('refuses a model.json that is not JSON', async () => {
    const folder = await writeModel(root, SIGN_MODEL, { 'fold_0.onnx': BYTES });
    await writeFile(path.join(folder, 'model.json'), '{ "format": 1,');
    await expect(loadModel(folder)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });
});

describe("a model's sha256", () => {
  test('stays when a title changes and changes with what is found', async () => {
    const unchanged = await fingerprint(() => undefined);
    expect(unchanged).toMatch(/^[0-9a-f]{64}$/);
    expect(await fingerprint((json) => (json['title'] = 'Another'))).toBe(unchanged);
    expect(await fingerprint((json) => (json['spacing'] = [3, 1, 1]))).not.toBe(unchanged);
    expect(await fingerprint((json) => (json['postprocessing'] = { keepLargestComponent: true }))).not.toBe(
      unchanged,
    );
    const folder = await writeModel(root, SIGN_MODEL, { 'fold_0.onnx': Uint8Array.of(9) });
    expect((await loadModel(folder)).sha256).not.toBe(unchanged);
  });
});

describe('listing models', () => {
  test('gives each model, or why it cannot be used', async () => {
    await writeModel(root, { ...SIGN_MODEL, name: 'good' }, { 'fold_0.onnx': BYTES });
    await mkdir(path.join(root, 'broken'));
    await writeFile(path.join(root, 'broken', 'model.json'), '{}');
    await mkdir(path.join(root, 'no-model'));
    const listed = await listModels(root);
    expect(listed.map(({ folder }) => path.basename(folder))).toEqual(['broken', 'good']);
    expect(listed[0]?.error).toMatchObject({ code: 'MODEL_INVALID' });
    expect(listed[1]?.model?.info.title).toBe('Test');
  });

  test('of a folder that does not exist gives none', async () => {
    expect(await listModels(path.join(root, 'absent'))).toEqual([]);
  });
});

describe('format 2', () => {
  const resampling = { order: 3, orderZ: 0, forceSeparateZ: null };
  const settings = {
    labels: ['background', 'duodenum', 'pancreas'],
    pancreas: 2,
    resampling: { data: resampling, logits: { ...resampling, order: 1 } },
  };
  const second = (change: Record<string, unknown> = {}) =>
    fingerprint((json) => Object.assign(json, { format: 2, nnunetV2: { ...settings, ...change } }));

  test('says what nnU-Net v2 does, and all that changes what is found changes the hash', async () => {
    const hashes = [
      await fingerprint(() => {}),
      await second(),
      await second({ pancreas: 1 }),
      await second({ resampling: { ...settings.resampling, data: { ...resampling, order: 1 } } }),
      await second({
        resampling: { ...settings.resampling, logits: { ...resampling, forceSeparateZ: true } },
      }),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(await second({ labels: ['background', 'b', 'c'] })).toBe(hashes[1]);
  });

  test.each<[string, Record<string, unknown>]>([
    ['without its settings', { format: 2 }],
    ["with v2's settings in format 1", { nnunetV2: settings }],
    ['with a label that is none', { format: 2, nnunetV2: { ...settings, pancreas: 3 } }],
    ['with the background for the pancreas', { format: 2, nnunetV2: { ...settings, pancreas: 0 } }],
  ])('is refused %s', async (_, edit) => {
    const folder = await writeChanged((json) => Object.assign(json, edit));
    await expect(loadModel(folder)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });
});
