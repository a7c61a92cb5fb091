import { StoreError } from '../store-error.ts';
import { MIGRATIONS } from './migration-steps.ts';
import type { Database, Sql } from './sql.ts';

/**
 * Any number that nothing else in the database locks: two nodes that start together migrate one after the
 * other.
 */
const MIGRATION_LOCK = 7_263_482_910;

/**
 * Brings the tables to this program's version, all steps in one transaction.
 * @throws StoreError DATABASE_NEWER where a newer program has been here: going back would lose what it
 * wrote
 */
export async function migrate(
  database: Pick<Database, 'transaction'>,
  steps: readonly string[] = MIGRATIONS,
): Promise<void> {
  await database.transaction(async (sql) => {
    await sql.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await sql.query('CREATE SCHEMA IF NOT EXISTS pansegnet');
    await sql.query('CREATE TABLE IF NOT EXISTS pansegnet.schema_version (version integer NOT NULL)');
    const current = await currentVersion(sql);
    if (current > steps.length) {
      throw new StoreError(
        'DATABASE_NEWER',
        `the database has schema version ${current}, this program knows ${steps.length}: ` +
          'run the version that wrote it, or a newer one',
      );
    }
    for (const step of steps.slice(current)) await sql.query(step);
    await sql.query('DELETE FROM pansegnet.schema_version');
    await sql.query('INSERT INTO pansegnet.schema_version (version) VALUES ($1)', [steps.length]);
  });
}

async function currentVersion(sql: Sql): Promise<number> {
  const [row] = await sql.query('SELECT max(version) AS version FROM pansegnet.schema_version');
  return Number(row?.['version'] ?? 0);
}
