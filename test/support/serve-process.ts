import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { keepTestLog } from './test-log.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const LOG_KEPT = 6_000;

/** A `serve` that runs as its users run it. */
export interface ServeProcess {
  readonly pid: number | undefined;
  /** The end of what it has logged. */
  readonly log: () => string;
  readonly isAlive: () => boolean;
  /** Resolves when it logs something that matches; rejects when it ends before. */
  readonly says: (pattern: RegExp) => Promise<void>;
  /** SIGKILL: nothing of it runs any more when this resolves. */
  kill(): Promise<void>;
  /** SIGTERM, as a service manager ends it. */
  stop(): Promise<void>;
}

export const serve = (configuration: string, ...options: string[]): ServeProcess =>
  startNodeProgram(['src/cli.ts', 'serve', '--config', configuration, ...options]);

/** @param nodeArguments a program of this project and its arguments; options of Node before it */
export function startNodeProgram(
  nodeArguments: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ServeProcess {
  const child: ChildProcess = spawn(process.execPath, nodeArguments, {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...ownEnvironment(), ...environment },
  });
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-LOG_KEPT);
    keepTestLog('serve', text);
  });
  const endWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', endWithUs);
  const ended = once(child, 'exit').then(() => void process.removeListener('exit', endWithUs));
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return {
    pid: child.pid,
    log: () => log,
    isAlive,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (pattern.test(log)) resolve();
        };
        child.stderr?.on('data', look);
        look();
        void ended.then(() => reject(new Error(`serve ended before it said ${pattern}:\n${log}`)));
      }),
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  };
}

/** Without what steers the tests: the program refuses names that it does not know. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PANSEGNET_')));
}
