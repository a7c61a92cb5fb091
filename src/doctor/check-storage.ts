import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { codeOf, messageOf } from '../coded-error.ts';
import { type Finding, ok, trouble } from './finding.ts';

const GIB = 2 ** 30;
/** Below the first, intake and the database are about to stop; below the second somebody should know. */
const PROBLEM_GIB = 1;
const WARNING_GIB = 10;

/** Checks a folder that the node writes to: is it writable, has it space, is it closed to others? */
export async function checkFolder(name: string, folder: string): Promise<Finding[]> {
  const check = `folder of the ${name}`;
  const there = await nearestThere(path.resolve(folder));
  try {
    await access(there, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const uid = process.getuid?.();
    return [
      trouble(
        check,
        'problem',
        `${there} cannot be written to by this user${uid === undefined ? '' : ` (uid ${uid})`}` +
          `: ${messageOf(error)}`,
        `The node keeps its ${name} in ${folder}.`,
        'Give the folder to the user that the node runs as (chown), or name another one in the ' +
          'configuration. Run doctor as that user.',
      ),
    ];
  }
  const exists = there === path.resolve(folder);
  const rights = exists ? await checkPrivacy(check, folder) : ok(check, `${folder} will be made`);
  return [rights, await checkSpace(name, there)];
}

async function checkPrivacy(check: string, folder: string): Promise<Finding> {
  const { mode } = await stat(folder);
  if (process.platform === 'win32' || (mode & constants.S_IRWXO) === 0) return ok(check, folder);
  return trouble(
    check,
    'warning',
    `${folder} is open to every user of the machine (mode ${(mode & 0o777).toString(8)})`,
    'It holds patient data.',
    `chmod o-rwx ${folder}`,
  );
}

async function checkSpace(name: string, there: string): Promise<Finding> {
  const check = `disk of the ${name}`;
  const { bavail, blocks, bsize } = await statfs(there);
  const free = (bavail * bsize) / GIB;
  const what = `${free.toFixed(1)} of ${((blocks * bsize) / GIB).toFixed(1)} GiB are free`;
  if (free >= WARNING_GIB) return ok(check, what);
  return trouble(
    check,
    free < PROBLEM_GIB ? 'problem' : 'warning',
    what,
    'When the disk is full, nothing is received and the database cannot write.',
    `Make space on the disk of ${there}, or put the folder on a larger one.`,
  );
}

/** The folder, or the nearest above it that is there. */
async function nearestThere(folder: string): Promise<string> {
  try {
    await stat(folder);
    return folder;
  } catch (error) {
    const above = path.dirname(folder);
    if (codeOf(error) !== 'ENOENT' || above === folder) return folder;
    return nearestThere(above);
  }
}
