import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkSpeed } from '../../src/doctor/check-speed.ts';
import { expectedMinutes } from '../../src/segmentation/expected-time.ts';
import { loadModel } from '../../src/segmentation/model/model-folder.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { readSpeed, writeSpeed } from '../../src/store/records/speeds.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../support/tiny-onnx.ts';

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'speed-'));
  model = await writeModel(folder, SIGN_MODEL, { 'fold_0.onnx': signNetwork(SIGN_MODEL.patchSize) });
});
afterAll(() => rm(folder, { recursive: true }));

describe('what was measured of a model on this machine', () => {
  it('is kept per machine and model, the latest', async () => {
    const database = await openDatabase({ memory: true });
    const place = { machine: 'a', modelSha256: '01' };
    const speed = (secondsPerWindow: number) => ({
      secondsPerWindow,
      measuredAt: '2026-03-02T08:00:00.000Z',
    });
    await writeSpeed(database, place, speed(2));
    await writeSpeed(database, place, speed(3));
    await writeSpeed(database, { ...place, machine: 'b' }, speed(9));
    expect(await readSpeed(database, place)).toEqual(speed(3));
    expect(await readSpeed(database, { ...place, modelSha256: '02' })).toBeUndefined();
    await database.close();
  }, 120_000);

  it('is held against the limit of the stage, in the mode of the node', async () => {
    const { info, networks } = await loadModel(model, []);
    const limitMinutes = 180;
    const examine = (secondsPerWindow: number, mode: 'exact' | 'quick' = 'exact') =>
      checkSpeed({
        modelFolder: folder,
        models: [model],
        mode,
        limitMinutes,
        speedOf: async () => ({ secondsPerWindow, measuredAt: '' }),
      });
    // As slow as the limit allows, for a large abdomen; and a little slower.
    const most = limitMinutes / expectedMinutes(info, networks.length, 'exact', 1);
    expect(await examine(most * 0.99)).toMatchObject([{ verdict: 'ok' }]);
    const [slow] = await examine(most * 1.01);
    expect(slow).toMatchObject({ verdict: 'warning', what: expect.stringContaining('about 182 minutes') });
    expect(slow?.todo).toContain('queue.stageTimeoutMinutes.segment to 364');
    expect(await examine(most * 1.01, 'quick')).toMatchObject([{ verdict: 'ok' }]);
  });

  it('says nothing of a model that was not measured', async () => {
    const speedOf = async () => undefined;
    const site = { modelFolder: folder, models: [model], mode: 'fast', limitMinutes: 1, speedOf } as const;
    expect(await checkSpeed(site)).toEqual([]);
  });
});
