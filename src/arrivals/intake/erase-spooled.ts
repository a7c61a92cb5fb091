import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '../../coded-error.ts';
import type { DicomDataset } from '../../dicom/reading/dataset.ts';
import { identifyFile, PATIENT_TAGS } from './instance-identity.ts';

/**
 * Removes instances of a patient from a spool, whoever works with it: a file that is gone is no trouble to
 * its process.
 * @param folder of the spool; there need not be one
 * @returns how many were removed, and how many files could not be read and are left for a person
 */
export async function eraseSpooled(
  folder: string,
  isOfPatient: (studyInstanceUid: string, dataset: DicomDataset) => boolean,
): Promise<{ removed: number; unreadable: number }> {
  let removed = 0;
  let unreadable = 0;
  for (const part of ['ready', 'refused']) {
    const files = await readdir(path.join(folder, part)).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    });
    for (const name of files) {
      const file = path.join(folder, part, name);
      try {
        const { identity, dataset } = await identifyFile(file, PATIENT_TAGS);
        if (!isOfPatient(identity.studyUid, dataset)) continue;
        await rm(file, { force: true });
        removed += 1;
      } catch {
        // Its process may have taken it away; what is left of the others nobody can tell whose it is.
        unreadable += (await readdir(path.join(folder, part))).includes(name) ? 1 : 0;
      }
    }
  }
  return { removed, unreadable };
}
