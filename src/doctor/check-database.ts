import { codeOf, messageOf } from '../coded-error.ts';
import type { DatabasePlace } from '../store/database/database.ts';
import { type DatabaseState, inspectDatabase } from '../store/database/inspect.ts';
import { type Finding, ok, trouble } from './finding.ts';

/** What a running node says of itself at /readyz. */
export type NodeAnswer = Readonly<Record<string, boolean>>;

/**
 * Looks into the database without changing it.
 * @param askNode what the node that owns the folder says; rejects where it does not answer
 */
export async function checkDatabase(
  place: DatabasePlace,
  askNode: () => Promise<NodeAnswer>,
): Promise<Finding[]> {
  const check = 'database';
  try {
    return [describeState(await inspectDatabase(place))];
  } catch (error) {
    if (codeOf(error) === 'DATABASE_IN_USE') return beside(messageOf(error), askNode);
    return [
      trouble(
        check,
        'problem',
        messageOf(error),
        'The queue and the volume history are in it.',
        'folder' in place
          ? 'Look at the rights and the disk of the folder; if it is damaged, restore a backup ' +
              '(docs/operations.md), or move it away and run `history rebuild`.'
          : 'Check that the server runs, the address, user and password in database.url, and ' +
              'pg_hba.conf on the server.',
      ),
    ];
  }
}

function describeState({ state, version, newest, aside }: DatabaseState): Finding {
  if (aside !== undefined) {
    return trouble(
      'database',
      'problem',
      `there is none, but ${aside}, which a restore put aside: the restore was cut off`,
      'The node does not start: a new, empty database would know nothing of what it has done.',
      `Run \`database restore\` again, or rename ${aside} back (docs/operations.md, Backup and restore).`,
    );
  }
  if (state === 'absent') return ok('database', 'there is none yet; the first start makes it');
  if (state === 'current') {
    return ok('database', `schema version ${version}; it needs no extension of PostgreSQL (such as pg_trgm)`);
  }
  if (state === 'older') {
    return ok(
      'database',
      `schema version ${version}; the next start brings it to ${newest}. Back it up before`,
    );
  }
  return trouble(
    'database',
    'problem',
    `schema version ${version}, which a newer program wrote; this one knows ${newest}`,
    'This program refuses it, as it would lose what the newer one wrote.',
    'Run the newer version, or restore the backup that was made before the upgrade.',
  );
}

/** One process owns the folder, and it alone can tell how the database is. */
async function beside(message: string, askNode: () => Promise<NodeAnswer>): Promise<Finding[]> {
  try {
    const parts = Object.entries(await askNode());
    const node = ok('database', `in use by the running node, which answers. ${message}`);
    return [node, ...parts.filter(([, usable]) => !usable).map(([part]) => failingPart(part))];
  } catch (error) {
    return [
      trouble(
        'database',
        'warning',
        `in use by another process, and no node answers at the configured address: ${messageOf(error)}`,
        'It cannot be looked into from here.',
        'If that process is a node with another configuration, run doctor with that one; if it hangs, ' +
          'stop it.',
      ),
    ];
  }
}

const failingPart = (part: string): Finding =>
  trouble(
    `running node: ${part}`,
    'problem',
    `the running node cannot use its ${part}`,
    'It is not ready, and studies wait.',
    'See the finding on the same part below, and the log of the node.',
  );
