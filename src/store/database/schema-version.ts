import { z } from 'zod';

const tableRow = z.object({ there: z.boolean() });
const versionRow = z.object({ version: z.int().nullable() });

/** The version of the node's tables; undefined where they are not there. */
export async function schemaVersion(
  ask: (sql: string) => Promise<readonly unknown[]>,
): Promise<number | undefined> {
  const table = await ask(`SELECT to_regclass('pansegnet.schema_version') IS NOT NULL AS there`);
  if (!z.tuple([tableRow]).parse(table)[0].there) return undefined;
  const rows = await ask('SELECT max(version) AS version FROM pansegnet.schema_version');
  return z.tuple([versionRow]).parse(rows)[0].version ?? undefined;
}
