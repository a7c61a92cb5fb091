import type { Array3 } from '../array3.ts';

/**
 * A stretch of foreground voxels along the fastest axis: data indices from `start` up to, not including,
 * `end`.
 */
interface Run {
  readonly start: number;
  readonly end: number;
  readonly component: number;
}

export interface Components {
  readonly runs: readonly Run[];
  /** Voxels of each component. */
  readonly sizes: readonly number[];
}

/**
 * The parts of a mask that hang together over shared faces (6 neighbours, as scipy.ndimage.label does by
 * default), numbered in the order of their first voxel. Runs instead of a label for every voxel: a mask is
 * mostly empty.
 */
export function findComponents({ data, shape }: Array3<Uint8Array>): Components {
  const [n0, n1, n2] = shape;
  const starts: number[] = [];
  const ends: number[] = [];
  const parents: number[] = [];
  /** Index of the first run of each row, and one past the last. */
  const firstRun = new Int32Array(n0 * n1 + 1);

  const rootOf = (run: number): number => {
    let root = run;
    while (parents[root] !== root) root = parents[root] as number;
    for (let at = run; at !== root; ) {
      const next = parents[at] as number;
      parents[at] = root;
      at = next;
    }
    return root;
  };
  /** Joins the runs of two neighbouring rows that touch. `distance`: between the rows, in data indices. */
  const joinRows = (row: number, earlier: number, distance: number) => {
    let a = firstRun[earlier] as number;
    let b = firstRun[row] as number;
    while (a < (firstRun[earlier + 1] as number) && b < starts.length) {
      const aEnd = (ends[a] as number) + distance;
      if ((starts[a] as number) + distance < (ends[b] as number) && (starts[b] as number) < aEnd) {
        const [low, high] = [rootOf(a), rootOf(b)].sort((p, q) => p - q) as [number, number];
        parents[high] = low;
      }
      if (aEnd < (ends[b] as number)) a++;
      else b++;
    }
  };

  for (let row = 0; row < n0 * n1; row++) {
    firstRun[row] = starts.length;
    const end = (row + 1) * n2;
    for (let at = row * n2; at < end; at++) {
      if (data[at] === 0) continue;
      const start = at;
      while (at < end && data[at] !== 0) at++;
      parents.push(starts.length);
      starts.push(start);
      ends.push(at);
    }
    firstRun[row + 1] = starts.length;
    if (row % n1 > 0) joinRows(row, row - 1, n2);
    if (row >= n1) joinRows(row, row - n1, n1 * n2);
  }

  const numbers = new Map<number, number>();
  const sizes: number[] = [];
  const runs = starts.map((start, run): Run => {
    const root = rootOf(run);
    const component = numbers.get(root) ?? numbers.size;
    numbers.set(root, component);
    const end = ends[run] as number;
    sizes[component] = (sizes[component] ?? 0) + end - start;
    return { start, end, component };
  });
  return { runs, sizes };
}
