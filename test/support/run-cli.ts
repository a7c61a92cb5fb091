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
export const runCli = (...args: string[]): Promise<Ended> => runCliIn({}, ...args);

/** The same with an environment that has these variables too. */
export function runCliIn(environment: NodeJS.ProcessEnv, ...args: string[]): Promise<Ended> {
  return runProgram('src/cli.ts', environment, ...args);
}

/** A program of the checkout. */
export function runProgram(
  program: string,
  environment: NodeJS.ProcessEnv,
  ...args: string[]
): Promise<Ended> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...testLogEnvironment('cli'), ...environment };
    const options = { cwd: ROOT, env, maxBuffer: 2 ** 26 };
    execFile(process.execPath, [program, ...args], options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr });
    });
  });
}
