import { messageOf } from '../coded-error.ts';
import type { OrthancChanges } from '../dicom/web/orthanc-changes.ts';
import { type Finding, ok, trouble } from './finding.ts';

/** Whether an Orthanc's list of changes can be followed. */
export async function checkChanges(changes: Pick<OrthancChanges, 'url' | 'newest'>): Promise<Finding> {
  const check = 'archive: changes (Orthanc)';
  try {
    const newest = await changes.newest();
    return ok(
      check,
      `${changes.url}/changes; ${newest ? `the newest is number ${newest.sequence}` : 'none yet'}`,
    );
  } catch (error) {
    return trouble(
      check,
      'problem',
      messageOf(error),
      'New studies are not found.',
      "Check archive.rest (the root of Orthanc's own REST interface) and the user's rights there, or " +
        'set archive.kind to dicomweb.',
    );
  }
}
