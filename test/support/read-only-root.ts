import { type ChildProcess, spawn } from 'node:child_process';
import { run } from './release.ts';

/** A folder or a file of this machine, and where it is seen inside. */
interface Mount {
  readonly from: string;
  readonly to: string;
  readonly writable?: boolean;
}

export interface ReadOnlyRoot {
  readonly root: string;
  /** `uid:gid` that the command runs as. */
  readonly user: string;
  /** Where it starts. */
  readonly folder: string;
  /** All of its environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
}

/** Runs a command as `docker run --read-only --tmpfs /tmp` does; throws with what it said where it fails. */
export const runInReadOnlyRoot = (place: ReadOnlyRoot, command: readonly string[]): string =>
  run('unshare', argumentsFor(place, command));

/** Starts one; its process is the command itself. */
export function startInReadOnlyRoot(place: ReadOnlyRoot, command: readonly string[]): ChildProcess {
  const child = spawn('unshare', argumentsFor(place, command), { stdio: ['ignore', 'ignore', 'pipe'] });
  const endWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', endWithUs);
  child.once('exit', () => process.removeListener('exit', endWithUs));
  return child;
}

function argumentsFor({ root, user, folder, environment, mounts }: ReadOnlyRoot, command: readonly string[]) {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const binds = mounts.flatMap(({ from, to, writable }) => [from, to, writable ? 'rw' : 'ro']);
  const enter = ['--mount', 'sh', '-euc', SANDBOX, root, user, String(mounts.length), ...binds];
  return [...enter, 'env', '--ignore-environment', `--chdir=${folder}`, ...variables, ...command];
}

/** $0: the root; then the user, how many mounts, each as three words, and the command. */
const SANDBOX = `
  user=$1 left=$2
  shift 2
  mount --bind "$0" "$0"
  while [ $left -gt 0 ]; do
    if [ -d "$1" ]; then mkdir -p "$0$2"; else mkdir -p "$(dirname "$0$2")"; touch "$0$2"; fi
    mount --bind "$1" "$0$2"
    [ $3 = rw ] || mount -o remount,bind,ro "$0$2"
    left=$((left - 1))
    shift 3
  done
  mount -t tmpfs tmpfs "$0/tmp"
  mount -t proc proc "$0/proc"
  mount --bind /dev "$0/dev"
  mount -o remount,bind,ro "$0"
  exec chroot --userspec="$user" "$0" "$@"
`;
