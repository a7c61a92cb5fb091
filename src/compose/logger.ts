import { destination, type Logger, pino } from 'pino';
import type { Config } from '../config.ts';

/** Where the log goes; stdout belongs to what commands print. */
const STDERR = 2;

export function createLogger(config: Config): Logger {
  return pino({ name: 'pansegnet-node', level: config.log.level }, destination(STDERR));
}
