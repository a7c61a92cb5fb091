import { appendFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Where collect-logs.ts says that the logs of this run are gathered; set in the slow tests only.
 */
export const TEST_LOGS = 'TEST_LOGS_FOLDER';

/** Section `log` of a node's configuration in tests: everything is logged, into a file of the run. */
export function testLog(name: string): { level: string; file: string | null } {
  const folder = process.env[TEST_LOGS];
  if (folder === undefined) return { level: 'error', file: null };
  return { level: 'trace', file: path.join(folder, `${name}-${process.pid}.log`) };
}

/** The same for a process that reads the environment. */
export function testLogEnvironment(name: string): Record<string, string> {
  const { level, file } = testLog(name);
  return file === null ? {} : { PANSEGNET_LOG_LEVEL: level, PANSEGNET_LOG_FILE: file };
}

/** For a process whose log goes to the test. */
export function keepTestLog(name: string, text: string): void {
  const { file } = testLog(name);
  if (file !== null) appendFileSync(file, text);
}
