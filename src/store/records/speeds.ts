import { z } from 'zod';
import type { Sql } from '../database/sql.ts';
import { readSetting, writeSetting } from './settings.ts';

/** How fast a model ran on a machine. */
export interface Speed {
  /** Of one network and one window. */
  readonly secondsPerWindow: number;
  /** ISO 8601, UTC. */
  readonly measuredAt: string;
}
const speedSchema = z.object({ secondsPerWindow: z.number().positive(), measuredAt: z.string() });

interface Place {
  /** Its host name. */
  readonly machine: string;
  readonly modelSha256: string;
}
const settingOf = ({ machine, modelSha256 }: Place): string => `speed ${machine} ${modelSha256}`;

/** The latest measurement takes the place of the one before. */
export const writeSpeed = (sql: Sql, place: Place, speed: Speed): Promise<void> =>
  writeSetting(sql, settingOf(place), JSON.stringify(speed));

export async function readSpeed(sql: Sql, place: Place): Promise<Speed | undefined> {
  const kept = await readSetting(sql, settingOf(place));
  return kept === undefined ? undefined : speedSchema.parse(JSON.parse(kept));
}
