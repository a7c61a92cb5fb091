import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { configuredModels } from '../../src/pipeline/run/models.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../support/tiny-onnx.ts';

const PATCH: [number, number, number] = [4, 8, 8];
const names = { CT: 'promoted', T1W: null, T2W: null };

let folder: string;
const write = (stepSize: number) => {
  const inference = { ...SIGN_MODEL.inference, stepSize };
  const info = { ...SIGN_MODEL, name: names.CT, patchSize: PATCH, inference };
  return writeModel(folder, info, { 'fold_0.onnx': signNetwork(PATCH) });
};
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'promoted-model-'));
  await write(0.5);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('a model that took the place of the promoted one under its name is not used, until somebody says so', async () => {
  const { sha256 } = await configuredModels(names, folder).load('CT_ABDOMEN');
  let promoted = sha256;
  const models = configuredModels(names, folder, new Map(), () => promoted);
  expect(await models.load('CT_ABDOMEN')).toMatchObject({ sha256 });

  await write(0.75);
  await expect(models.load('CT_ABDOMEN')).rejects.toMatchObject({
    code: 'MODEL_CHANGED',
    message: expect.stringContaining('run `models promote promoted`'),
  });
  // Where nobody promoted one, the folder says which it is.
  const other = await configuredModels(names, folder).load('CT_ABDOMEN');
  expect(other.sha256).not.toBe(sha256);
  promoted = other.sha256;
  expect(await models.load('CT_ABDOMEN')).toMatchObject({ sha256: other.sha256 });
});

it('the model that made a result is found while it is there, and no other of its name is taken for it', async () => {
  const models = configuredModels({ ...names, CT: 'another' }, folder);
  const { sha256, info } = await configuredModels(names, folder).load('CT_ABDOMEN');
  const identity = { name: info.name, version: info.version, sha256, mode: 'fast' } as const;
  expect(await models.former?.('CT_ABDOMEN', identity)).toMatchObject({ sha256 });
  expect(await models.former?.('CT_ABDOMEN', { ...identity, sha256: 'b' })).toBeUndefined();
  expect(await models.former?.('CT_ABDOMEN', { ...identity, version: '9' })).toBeUndefined();
  expect(await models.former?.('CT_ABDOMEN', { ...identity, name: 'gone' })).toBeUndefined();
  expect(await models.former?.('T2W', identity)).toBeUndefined();
});
