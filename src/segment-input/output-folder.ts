import { mkdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type NiftiGrid } from '../nifti/grid.ts';
import { writeNifti } from '../nifti/write-nifti.ts';
import type { SegmentationForm } from '../results/result-context.ts';
import { InputError } from './input-error.ts';

const RESULT = 'result.json';
/** The summary page, and the organ in three planes. */
export const KEY_IMAGE_FILES = [
  'key-image-1.dcm',
  'key-image-2.dcm',
  'key-image-3.dcm',
  'key-image-4.dcm',
] as const;
/** `seg.dcm` is in the first form that the configuration names; the others say theirs. */
const OTHER_SEG_FILES = {
  binary: 'seg-binary.dcm',
  fractional: 'seg-fractional.dcm',
  labelmap: 'seg-labelmap.dcm',
} as const satisfies Readonly<Record<SegmentationForm, string>>;
const DICOM_FILES = [
  'seg.dcm',
  ...Object.values(OTHER_SEG_FILES),
  'sr.dcm',
  ...KEY_IMAGE_FILES,
  'report-pdf.dcm',
] as const;
export type DicomFile = (typeof DICOM_FILES)[number];
const OUTPUT_FILES = [...DICOM_FILES, 'seg.nii.gz', 'probabilities.nii.gz', RESULT] as const;
export type OutputFile = (typeof OUTPUT_FILES)[number];

/** The file of each form of the SEG, in the order of the forms. */
export function segFiles(forms: readonly SegmentationForm[]): DicomFile[] {
  return forms.map((form, index) => (index === 0 ? 'seg.dcm' : OTHER_SEG_FILES[form]));
}

/** What is to be written under one of the names: bytes, or voxels on a grid. */
export type Output =
  | { readonly name: DicomFile; readonly bytes: Uint8Array }
  | {
      readonly name: 'seg.nii.gz' | 'probabilities.nii.gz';
      readonly grid: NiftiGrid;
      readonly voxels: Uint8Array | Float32Array;
    };

const DESCRIPTIONS = {
  'seg.nii.gz': 'pancreas: 1',
  'probabilities.nii.gz': 'probability of pancreas',
} as const;

/** @throws {InputError} INPUT_OVERWRITTEN where a result would take the place of the input */
export async function checkOutput(output: string, input: string): Promise<void> {
  const real = (file: string) => realpath(file).catch(() => path.resolve(file));
  const source = await real(input);
  const folder = await real(output);
  const hit = OUTPUT_FILES.find((name) => path.join(folder, name) === source);
  if (hit === undefined) return;
  throw new InputError('INPUT_OVERWRITTEN', `${input} would be overwritten by the ${hit} of ${output}`);
}

/**
 * Each file appears whole or not at all, and none of an earlier run stays beside those of this one. Without
 * result.json the folder is not complete: `writeResult` writes it last.
 */
export async function writeOutputs(folder: string, outputs: readonly Output[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const names = new Set<OutputFile>(outputs.map(({ name }) => name));
  for (const name of OUTPUT_FILES) {
    if (!names.has(name)) await rm(path.join(folder, name), { force: true });
  }
  for (const output of outputs) {
    const file = path.join(folder, output.name);
    if ('bytes' in output) await writeWhole(file, output.bytes);
    else await writeNifti(file, output.grid, output.voxels, DESCRIPTIONS[output.name]);
  }
}

export async function writeResult(folder: string, summary: object): Promise<void> {
  await writeWhole(path.join(folder, RESULT), `${JSON.stringify(summary, null, 2)}\n`);
}

async function writeWhole(file: string, content: Uint8Array | string): Promise<void> {
  await writeFile(`${file}.part`, content);
  await rename(`${file}.part`, file);
}
