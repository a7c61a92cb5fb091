import { statSync } from 'node:fs';
import path from 'node:path';
import { CodedError, codeOf } from '../coded-error.ts';
import type { Config } from '../config.ts';

/** Root would leave files that the node's own user can neither read nor replace. */
class DataOwnerError extends CodedError<'DATA_OWNER'> {}

/** Where the node writes, by configuration key. */
export function dataPlaces({ archive, audit, auth, database, intake, log }: Config): Map<string, string> {
  const places: Readonly<Record<string, string | null>> = {
    'database.folder': database.folder,
    'intake.spoolFolder': intake.spoolFolder,
    'archive.folder': archive.kind === 'embedded' ? archive.folder : null,
    'audit.folder': audit.folder,
    'auth.tokensFile': auth.tokensFile,
    'log.file': log.file,
  };
  return new Map(Object.entries(places).filter((place): place is [string, string] => place[1] !== null));
}

/**
 * Refuses to work as root on data of another user: one file of root's among them keeps the node from ever
 * starting again.
 * @param places files and folders by configuration key; of one that is not there, what it would be made in
 *   counts
 * @throws DataOwnerError naming the first such place and its owner
 */
export function refuseForeignData(places: ReadonlyMap<string, string>, user = process.getuid?.()): void {
  if (user !== 0) return;
  for (const [key, place] of places) {
    const owner = ownerOf(path.resolve(place));
    if (owner === 0) continue;
    throw new DataOwnerError(
      'DATA_OWNER',
      `${path.resolve(place)} (${key}) belongs to the user with the number ${owner}, and this runs as root`,
    );
  }
}

/** Of the file or folder, or of the nearest one above it that exists. */
function ownerOf(place: string): number {
  try {
    return statSync(place).uid;
  } catch (error) {
    const above = path.dirname(place);
    if (codeOf(error) !== 'ENOENT' || above === place) throw error;
    return ownerOf(above);
  }
}
