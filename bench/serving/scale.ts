import path from 'node:path';
import type { BenchOptions, BenchRow } from '../bench-row.ts';
import { type Arrivals, Site } from './site.ts';

interface Sizes {
  /** Of the network that only waits. */
  readonly stubSeconds: number;
  readonly workers: readonly number[];
  readonly studiesPerWorker: number;
  /** What waits in the queue behind the studies that are measured, once. */
  readonly backlog: number;
  readonly arrivals: Arrivals;
}

const FULL: Sizes = {
  stubSeconds: 10,
  workers: [1, 2, 4, 8, 16],
  studiesPerWorker: 5,
  backlog: 10_000,
  arrivals: { perHour: 1000, count: 60, workers: 8 },
};
const QUICK: Sizes = {
  stubSeconds: 0.5,
  workers: [1, 2],
  studiesPerWorker: 2,
  backlog: 20,
  arrivals: { perHour: 3600, count: 3, workers: 2 },
};

/**
 * How many studies an hour one gateway and so many workers do, each of which has a network that only waits,
 * as if a GPU elsewhere did the work: real processes on one PostgreSQL and one archive.
 */
export async function benchScale({ quick, folder }: BenchOptions): Promise<BenchRow[]> {
  const sizes = quick ? QUICK : FULL;
  await using open = new AsyncDisposableStack();
  const site = await Site.open(path.join(folder, 'scale'), open);
  const rows: BenchRow[] = [];
  const { stubSeconds, studiesPerWorker } = sizes;
  let one: number | undefined;
  for (const workers of sizes.workers) {
    const { perHour, busy } = await site.measure({
      workers,
      stubSeconds,
      studies: workers * studiesPerWorker,
    });
    one ??= perHour;
    rows.push({
      name: `scale: ${workers} workers, network of ${stubSeconds} s, processors ${busy} busy`,
      value: perHour,
      unit: 'studies/h',
      peer: { name: `${workers} times one worker`, value: workers * one },
    });
  }
  const most = Math.max(...sizes.workers);
  const measured = { workers: most, stubSeconds, studies: most * studiesPerWorker };
  const behind = await site.measure({ ...measured, backlog: sizes.backlog });
  rows.push({
    name: `scale: ${most} workers, ${sizes.backlog} more queued, processors ${behind.busy} busy`,
    value: behind.perHour,
    unit: 'studies/h',
    peer: { name: `${most} times one worker`, value: most * (one ?? Number.NaN) },
  });
  const bend = await site.measure({ ...measured, stubSeconds: 0 });
  rows.push({
    name: `scale: ${most} workers, network of no time, processors ${bend.busy} busy`,
    value: bend.perHour,
    unit: 'studies/h',
  });
  return [...rows, ...(await site.arrivals(sizes.arrivals, stubSeconds))];
}
