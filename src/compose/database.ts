import type { Config } from '../config.ts';
import { type LastingPlace, openDatabase } from '../store/database/database.ts';
import type { Database } from '../store/database/sql.ts';

export function databasePlace({ database: { folder, url, connections } }: Config): LastingPlace {
  return url === null ? { folder } : { url, connections };
}

/**
 * The configured database: the server where one is named, else the embedded one.
 * @param mayCreate whether it is made where there is none
 */
export function openConfiguredDatabase(config: Config, { mayCreate = true } = {}): Promise<Database> {
  return openDatabase(databasePlace(config), { mayCreate });
}
