import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { StoreError } from '../store-error.ts';

/** How what a restore puts aside is named: its moment stands behind. */
export const ASIDE_FOLDER = 'data.before-';
export const ASIDE_SCHEMA = '_before_';

/** The newest that restores have put aside in the embedded database's folder; its name. */
export function folderAside(folder: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  return readdirSync(folder)
    .filter((name) => name.startsWith(ASIDE_FOLDER))
    .sort()
    .at(-1);
}

/** The same on a server: a schema's name. */
export async function schemaAside(
  ask: (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>,
): Promise<string | undefined> {
  const rows = await ask(
    `SELECT max(nspname::text) AS name FROM pg_namespace
      WHERE starts_with(nspname, 'pansegnet${ASIDE_SCHEMA}')`,
  );
  const name = rows[0]?.['name'];
  return typeof name === 'string' ? name : undefined;
}

/**
 * Where there is no database beside what a restore put aside, the restore was cut off: a new, empty one would
 * look as if all were well.
 * @param where in which folder, or on which server
 */
export function cutOff(where: string, aside: string): StoreError {
  const [data, rename] = aside.startsWith(ASIDE_FOLDER)
    ? ['a folder', `rename that folder to data: mv ${path.join(where, aside)} ${path.join(where, 'data')}`]
    : ['a schema', `rename it back, and that of pgboss: ALTER SCHEMA ${aside} RENAME TO pansegnet`];
  return new StoreError(
    'DATABASE_ABSENT',
    `there is no node's database in ${where}, but ${data} that a restore put aside, ${aside}: ` +
      `the restore was cut off. Run \`database restore\` again, or ${rename}. ` +
      'Where a new database is really wanted, take it away first',
  );
}
