import { randomUUID } from 'node:crypto';
import type { Sql } from '../database/sql.ts';
import { settingMadeOnce } from './settings.ts';

const SETTING = 'device-serial-number';

/** The serial number of this installation: a UUID, made once for its database and kept in it. */
export const deviceSerial = (sql: Sql): Promise<string> => settingMadeOnce(sql, SETTING, randomUUID());
