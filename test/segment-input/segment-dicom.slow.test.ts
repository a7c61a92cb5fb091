import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readNifti } from '../../src/nifti/read-nifti.ts';
import { describeWith, shared } from '../support/requires.ts';
import { runCli } from '../support/run-cli.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../support/tiny-onnx.ts';

let folder: string;
let model: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'segment-dicom-'));
  const patchSize: [number, number, number] = [16, 64, 64];
  const info = { ...SIGN_MODEL, patchSize, spacing: [4, 3, 3] as [number, number, number] };
  const inference = { stepSize: 0.5, mirrorAxes: [] };
  model = await writeModel(folder, { ...info, inference }, { 'fold_0.onnx': signNetwork(patchSize) });
});
afterAll(() => rm(folder, { recursive: true }));

describeWith(['shared'], 'segmenting images that do not say whose they are', () => {
  it('gives labels and numbers with a warning, and nothing in DICOM', async () => {
    const output = path.join(folder, 'out');
    const source = shared('data', 'ct-blank-uids');
    const { code, stderr } = await runCli('segment', source, '--model', model, '--output', output);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/warning: .*SOPInstanceUID, StudyInstanceUID, SeriesInstanceUID/);
    expect(stderr).toMatch(/warning: no DICOM results were written/);
    expect((await readdir(output)).sort()).toEqual(['result.json', 'seg.nii.gz']);

    const { volume } = await readNifti(path.join(output, 'seg.nii.gz'));
    expect(volume.size).toEqual([512, 512, 10]);
    const result: unknown = JSON.parse(await readFile(path.join(output, 'result.json'), 'utf8'));
    const voxelCount = Uint8Array.from(volume.voxels).reduce((sum, voxel) => sum + voxel, 0);
    expect(voxelCount).toBeGreaterThan(0);
    expect(result).toMatchObject({ voxelCount, files: ['seg.nii.gz', 'result.json'] });
  });
});
