import type { Sql } from '../../store/database/sql.ts';
import { secondsPerStudy } from '../../store/records/run-log.ts';
import { StoreError } from '../../store/store-error.ts';

const SECONDS_PER_HOUR = 3600;

/** How long so many studies take, in words, at the speed of those that were processed here last. */
export async function estimate(sql: Sql, studies: number, concurrency: number): Promise<string> {
  const measured = await secondsPerStudy(sql);
  if (!measured) return 'how long that takes is not known: no study was processed here yet';
  const { seconds, runs } = measured;
  const hours = (studies * seconds) / concurrency / SECONDS_PER_HOUR;
  return (
    `about ${hours.toFixed(1)} hours when nothing else is to be done: ${seconds.toFixed(0)} s per study ` +
    `(median of the last ${runs}), ${concurrency} at a time`
  );
}

/** @throws StoreError WORK_UNCONFIRMED */
export function refuseUnconfirmed(name: string): never {
  throw new StoreError('WORK_UNCONFIRMED', `${name}: nothing was started; say --yes to do it`);
}
