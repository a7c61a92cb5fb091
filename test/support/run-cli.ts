import { execFile } from 'node:child_process';
import path from 'node:path';
import { testLogEnvironment } from './test-log.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the program as a user would, in the checkout. */
export function runCli(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd: ROOT, env: { ...process.env, ...testLogEnvironment('cli') } };
    execFile(process.execPath, ['src/cli.ts', ...args], options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr });
    });
  });
}
