import type { Database } from './sql.ts';

/**
 * Does work that two processes must not do at the same time, one after the other; an embedded database has
 * one process.
 * @param lock any number that nothing else in the database locks
 * @param work uses connections of its own; the one that holds the lock waits
 */
export async function oneAfterAnother(
  database: Database,
  lock: number,
  work: () => Promise<void>,
): Promise<void> {
  if (database.kind === 'embedded') return work();
  await database.transaction(async (sql) => {
    await sql.query('SELECT pg_advisory_xact_lock($1)', [lock]);
    await work();
  });
}
