import { type ExecFileSyncOptionsWithStringEncoding, execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** Runs a program to its end; throws with what it said where it fails. */
export function run(
  program: string,
  args: readonly string[],
  options: Partial<ExecFileSyncOptionsWithStringEncoding> = {},
): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...options });
}

/** The release as `npm pack` makes it, in a folder; returns its path. */
export function packRelease(folder: string): string {
  run('npm', ['pack', '--pack-destination', folder], { cwd: ROOT });
  const release = readdirSync(folder).find((file) => file.endsWith('.tgz'));
  if (!release) throw new Error('npm pack made no release');
  return path.join(folder, release);
}
