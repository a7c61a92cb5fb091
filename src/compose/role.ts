import { type Config, ConfigError } from '../config.ts';

/** gateway: polls, receives and shows. worker: processes. all: both in one process. */
export const NODE_ROLES = ['all', 'gateway', 'worker'] as const;
export type NodeRole = (typeof NODE_ROLES)[number];

/** @throws ConfigError where a part of a node could not reach the other */
export function checkRole(role: NodeRole, { database, archive }: Config): void {
  if (role === 'all') return;
  if (database.url === null) {
    throw new ConfigError(
      `serve --role ${role}: gateway and workers share a PostgreSQL server: set database.url (the ` +
        'embedded database belongs to one process), or run --role all',
    );
  }
  if (archive.kind === 'embedded') {
    throw new ConfigError(
      `serve --role ${role}: the embedded archive belongs to one process: set archive.kind and ` +
        'archive.url, or run --role all',
    );
  }
}
