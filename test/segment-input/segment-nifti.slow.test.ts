import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readNifti } from '../../src/nifti/read-nifti.ts';
import { type NiftiFile, niftiFile } from '../support/nifti-file.ts';
import { type Ended, runCli } from '../support/run-cli.ts';
import { smallCtSeries } from '../support/small-series.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../support/tiny-onnx.ts';

const EDGE = 16;
const SLICES = 12;

let folder: string;
let model: string;
let asStored: string;
const inFolder = (...names: string[]): string => path.join(folder, ...names);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'segment-nifti-'));
  const info = { ...SIGN_MODEL, inference: { stepSize: 0.5, mirrorAxes: [] } };
  const networks = { 'fold_0.onnx': signNetwork(SIGN_MODEL.patchSize) };
  model = await writeModel(folder, info, networks);
  asStored = await writeModel(folder, { ...info, name: 'as-stored', orientation: 'as-stored' }, networks);
});
afterAll(() => rm(folder, { recursive: true }));

/** A ball of 120 in soft tissue of -20, off the centre along x; or one that is too dark to be found. */
function values(ball: boolean): number[] {
  return Array.from({ length: EDGE * EDGE * SLICES }, (_, index) => {
    const [x, y, z] = [index % EDGE, Math.floor(index / EDGE) % EDGE, Math.floor(index / EDGE ** 2)];
    const squared = (x - 5) ** 2 + (y - 8) ** 2 + (z - 6) ** 2;
    const inside = ball ? 120 : 20;
    return squared < 16 ? inside : -20;
  });
}

async function image(name: string, options: NiftiFile = {}): Promise<string> {
  const file = inFolder(name);
  const grid = { dims: [EDGE, EDGE, SLICES], pixdim: [1, 1, 1, 2] };
  await writeFile(file, gzipSync(niftiFile({ ...grid, values: values(true), ...options })));
  return file;
}

const segment = (input: string, output: string, ...more: string[]): Promise<Ended> =>
  runCli('segment', input, '--model', model, '--output', inFolder(output), ...more);

const filesOf = async (output: string): Promise<string[]> => (await readdir(inFolder(output))).sort();

describe('segmenting a NIfTI file', () => {
  it('gives labels on its own grid, and the numbers', async () => {
    const input = await image('ball.nii.gz');
    const { code, stdout, stderr } = await segment(input, 'out', '--mode', 'exact', '--json');
    expect(code, stderr).toBe(0);
    expect(await filesOf('out')).toEqual(['result.json', 'seg.nii.gz']);
    const source = await readNifti(input);
    const labels = await readNifti(inFolder('out', 'seg.nii.gz'));
    expect(labels.grid).toEqual(source.grid);
    expect([...labels.volume.voxels]).toEqual(values(true).map((value) => (value > 50 ? 1 : 0)));

    const result: unknown = JSON.parse(await readFile(inFolder('out', 'result.json'), 'utf8'));
    expect(JSON.parse(stdout)).toEqual(result);
    const voxelCount = values(true).filter((value) => value > 50).length;
    expect(result).toMatchObject({
      researchUseOnly: true,
      model: { name: 'sign' },
      mode: 'exact',
      image: 'ball.nii.gz',
      voxelCount,
      volumeMl: (2 * voxelCount) / 1000,
      meanIntensity: 120,
      sdIntensity: 0,
      flags: ['implausible-volume'],
      warnings: [],
      files: ['seg.nii.gz', 'result.json'],
      seconds: { volume: expect.any(Number), segment: expect.any(Number), store: expect.any(Number) },
      segmentSeconds: { preprocess: expect.any(Number), network: expect.any(Number) },
    });
  });

  it('gives empty labels where nothing is found', async () => {
    const { code, stderr } = await segment(await image('none.nii.gz', { values: values(false) }), 'none');
    expect(code, stderr).toBe(0);
    const { volume } = await readNifti(inFolder('none', 'seg.nii.gz'));
    expect(volume.voxels.every((value) => value === 0)).toBe(true);
    const result: unknown = JSON.parse(await readFile(inFolder('none', 'result.json'), 'utf8'));
    expect(result).toMatchObject({ voxelCount: 0, meanIntensity: null, flags: ['nothing-found'] });
  });

  it('gives probabilities where they are asked for, and leaves none of an earlier run', async () => {
    const input = await image('ball.nii.gz');
    expect(await segment(input, 'probable', '--save-probabilities')).toMatchObject({ code: 0 });
    expect(await filesOf('probable')).toEqual(['probabilities.nii.gz', 'result.json', 'seg.nii.gz']);
    const { volume, grid } = await readNifti(inFolder('probable', 'probabilities.nii.gz'));
    expect(grid).toEqual((await readNifti(input)).grid);
    expect(volume.voxels).toBeInstanceOf(Float32Array);
    // The network is certain of what it sees: 7 standard deviations either way.
    expect([...volume.voxels].map(Math.round)).toEqual(values(true).map((value) => (value > 50 ? 1 : 0)));
    await segment(input, 'probable');
    expect(await filesOf('probable')).toEqual(['result.json', 'seg.nii.gz']);
  });

  it('warns of what it took for granted', async () => {
    const both = { qformCode: 1, qform: [0, 0, 1, 0, 0, 0] };
    const { code, stderr } = await segment(await image('turned.nii.gz', both), 'turned');
    expect(code).toBe(0);
    expect(stderr).toMatch(/warning: qform and sform give different orientations/);
  });

  it('needs to know how the axes lie, unless the model takes them as stored', async () => {
    const input = await image('unknown.nii.gz', { sformCode: 0 });
    const refused = await segment(input, 'unknown');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/unknown\.nii\.gz does not say how its axes lie.*model sign/);
    await expect(filesOf('unknown')).rejects.toThrow(/ENOENT/);
    expect(await segment(input, 'unknown', '--model', asStored)).toMatchObject({ code: 0 });
  });

  it('does not write over its input', async () => {
    await mkdir(inFolder('same'));
    const input = await image('same/seg.nii.gz');
    const before = await readFile(input);
    const { code, stderr } = await segment(input, 'same');
    expect(code).toBe(1);
    expect(stderr).toMatch(/would be overwritten/);
    expect(await readFile(input)).toEqual(before);
    expect(await filesOf('same')).toEqual(['seg.nii.gz']);
  });

  it.each([
    ['several volumes', { dims: [EDGE, EDGE, 3, 4] }, /several volumes/],
    ['fewer voxels than it claims', { dims: [EDGE, EDGE, SLICES + 1] }, /cut off/],
  ])('with %s ends with 1, names the file, and writes nothing', async (_what, options, words) => {
    const { code, stderr } = await segment(await image('bad.nii.gz', options), 'nothing');
    expect(code).toBe(1);
    expect(stderr.split('\n').find((line) => line.startsWith('error: '))).toMatch(/bad\.nii\.gz/);
    expect(stderr).toMatch(words);
    await expect(filesOf('nothing')).rejects.toThrow(/ENOENT/);
  });

  it('finds the same in every mode where the network sees a voxel at a time, and says which it was', async () => {
    const input = await image('modes.nii.gz');
    const found = async (...mode: string[]) => {
      const { code, stderr } = await segment(input, 'modes', ...mode);
      expect(code, stderr).toBe(0);
      const result: unknown = JSON.parse(await readFile(inFolder('modes', 'result.json'), 'utf8'));
      return { result, labels: [...(await readNifti(inFolder('modes', 'seg.nii.gz'))).volume.voxels] };
    };
    const exact = await found('--mode', 'exact');
    for (const mode of ['fast', 'quick']) {
      const { result, labels } = await found('--mode', mode);
      expect(result).toMatchObject({ mode });
      expect(labels).toEqual(exact.labels);
    }
    expect((await found()).result).toMatchObject({ mode: 'fast' });
  });

  it('ends with 2 for a mode that does not exist, and for a series of a file that has none', async () => {
    const input = await image('ball.nii.gz');
    expect(await segment(input, 'usage', '--mode', 'slow')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/Allowed choices are exact, fast, quick/),
    });
    expect(await segment(input, 'usage', '--series', '1.2.3')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /^error: --series names a DICOM series, but .*ball\.nii\.gz is a NIfTI file/,
      ),
    });
    await expect(filesOf('usage')).rejects.toThrow(/ENOENT/);
  });
});

describe('segmenting DICOM files', () => {
  it("gives probabilities on the series' grid, and leaves no labels of a NIfTI file beside them", async () => {
    const series = inFolder('series');
    await mkdir(series);
    await Promise.all(
      smallCtSeries('2.25.911').map((bytes, i) => writeFile(path.join(series, `${i}.dcm`), bytes)),
    );
    await segment(await image('ball.nii.gz'), 'dicom');
    const { code, stderr } = await segment(series, 'dicom', '--save-probabilities');
    expect(code, stderr).toBe(0);
    expect(await filesOf('dicom')).toEqual([
      'probabilities.nii.gz',
      'result.json',
      'seg.dcm',
      'seg.nii.gz',
      'sr.dcm',
    ]);
    const { volume } = await readNifti(inFolder('dicom', 'probabilities.nii.gz'));
    expect(volume.size).toEqual([EDGE, EDGE, SLICES]);
    expect(volume.affine.map((value) => value + 0)).toEqual([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]);
    // The ball of the series is in its middle.
    expect(volume.voxels[EDGE / 2 + EDGE * (EDGE / 2 + EDGE * (SLICES / 2))]).toBeGreaterThan(0.99);
    expect(volume.voxels[0]).toBeLessThan(0.01);
  });
});
