import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { EvaluationError } from '../evaluation-error.ts';

const NIFTI = /\.nii(?:\.gz)?$/i;
/** nnU-Net's number of a channel, at the end of an image's name. */
const CHANNEL = /_(\d{4})$/;

/**
 * The NIfTI files of a folder by the names of their cases. Images are named as nnU-Net names them:
 * `NAME_0000.nii.gz`, or without the channel's number; labels and predictions `NAME.nii.gz`.
 * @throws {EvaluationError} CASES_MISSING, CASES_AMBIGUOUS
 */
export async function niftiFiles(
  folder: string,
  { isImages }: { readonly isImages: boolean },
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const file of await entriesOf(folder)) {
    // What macOS leaves beside files.
    if (!NIFTI.test(file) || file.startsWith('.')) continue;
    const stem = file.replace(NIFTI, '');
    const channel = isImages ? CHANNEL.exec(stem)?.[1] : undefined;
    if (channel !== undefined && channel !== '0000') {
      const problem = `${file} is a further channel; the models take one`;
      throw new EvaluationError('CASES_AMBIGUOUS', `${folder}: ${problem}`);
    }
    const name = channel === undefined ? stem : stem.replace(CHANNEL, '');
    const other = found.get(name);
    if (other !== undefined) {
      const both = `${path.basename(other)} and ${file}`;
      throw new EvaluationError('CASES_AMBIGUOUS', `${folder}: ${both} are one case by their names`);
    }
    found.set(name, path.resolve(folder, file));
  }
  return found;
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    throw new EvaluationError('CASES_MISSING', `${folder} is not a folder that can be read`, { cause });
  }
}

/** Whether a folder holds NIfTI files; if not, DICOM is looked for. */
export async function holdsNifti(folder: string): Promise<boolean> {
  return (await entriesOf(folder)).some((file) => NIFTI.test(file));
}
