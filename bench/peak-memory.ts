import { readdirSync, readFileSync } from 'node:fs';

/**
 * Linux counts into `maxRSS` what the parent held when it started this process; its VmHWM is the process's
 * own.
 */
export function peakKilobytes(id: number | 'self' = 'self'): number {
  if (process.platform !== 'linux') return id === 'self' ? process.resourceUsage().maxRSS : 0;
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? 0);
}

let ofChildren = 0;

/** Looks at the processes that this one has started: to be called before they end. */
export function lookAtChildren(): number {
  if (process.platform !== 'linux') return 0;
  const lists = readdirSync('/proc/self/task').map((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8'),
  );
  const ids = lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
  ofChildren = Math.max(
    ofChildren,
    ids.reduce((sum, id) => sum + peakKilobytes(id), 0),
  );
  return ofChildren;
}
