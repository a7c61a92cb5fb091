import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith, shared } from '../support/requires.ts';
import { runCli } from '../support/run-cli.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../support/tiny-onnx.ts';

let folder: string;
let model: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'faults-'));
  const patchSize: [number, number, number] = [16, 32, 32];
  const info = { ...SIGN_MODEL, patchSize, spacing: [4, 6, 6] as [number, number, number] };
  const inference = { stepSize: 0.5, mirrorAxes: [] };
  model = await writeModel(folder, { ...info, inference }, { 'fold_0.onnx': signNetwork(patchSize) });
});
afterAll(() => rm(folder, { recursive: true }));

async function segment(...input: string[]) {
  const output = path.join(folder, `out-${count++}`);
  const ended = await runCli('segment', shared('faults', ...input), '--model', model, '--output', output);
  const result = path.join(output, 'result.json');
  const summary: unknown = existsSync(result) ? JSON.parse(await readFile(result, 'utf8')) : undefined;
  return { ...ended, summary };
}

describeWith(['shared'], 'inputs from public bug reports', () => {
  /** All are one phantom, as its makers wrote it. */
  let volumeMl: unknown;
  beforeAll(async () => {
    const { summary } = await segment('dicomdir', '02dicomdir');
    volumeMl = (summary as { volumeMl: unknown } | undefined)?.volumeMl;
  });

  it.each([
    ['padding behind compressed images', ['compressed-ff-padding', 'series']],
    ['files without preamble', ['files-left-out', '01nopre_last5']],
    ['a DICOMDIR', ['dicomdir', '02dicomdir', 'DICOMDIR']],
    ['a structure set under the series UID', ['rtstruct-same-series', 'rtstruct']],
  ])('give the whole volume: %s', async (_, input) => {
    const { code, stderr, summary } = await segment(...input);
    expect(code, stderr).toBe(0);
    expect(volumeMl).toBeGreaterThan(0);
    expect(summary).toMatchObject({ volumeMl, warnings: [] });
  });

  it.each([
    ['cut files, by name', ['files-left-out', 'truncated_header'], /019\.dcm.*empty, cut off or no DICOM/],
    ['half a concatenation', ['concatenation-part'], /lacks part 2 of 2/],
    ['iodine maps among the slices', ['mixed-kinds', 'mixed_iodine'], /ImageType IODINE/],
    ['phase images among the slices', ['mixed-kinds', 'mixed_phase'], /ImageType P\\ND/],
    ['UIDs of 65 characters', ['long-uids', 'sop65'], /SOPInstanceUID has 65 characters/],
    ['two frames of reference', ['two-frames-of-reference', 'for_half'], /2 coordinate systems/],
    ['images that show nothing', ['constant-image', 'blank'], /VOLUME_UNUSABLE|the images show nothing/],
  ])('are refused with their reason: %s', async (_, input, words) => {
    const { code, stderr, summary } = await segment(...input);
    expect(code).toBe(1);
    expect(stderr).toMatch(words);
    expect(summary).toBeUndefined();
  });
});
