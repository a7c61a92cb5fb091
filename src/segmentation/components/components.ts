import type { Array3 } from '../array3.ts';
import { GrowingIndices } from './growing-indices.ts';
import { isZero } from './zeros.ts';

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
  /** In the order of their starts. */
  readonly runs: Iterable<Run>;
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
  const starts = new GrowingIndices();
  const ends = new GrowingIndices();
  const parents = new GrowingIndices();
  /** Index of the first run of each row, and one past the last. */
  const firstRun = new Int32Array(n0 * n1 + 1);

  const rootOf = (run: number): number => {
    let root = run;
    while (parents.at(root) !== root) root = parents.at(root);
    for (let at = run; at !== root; ) {
      const next = parents.at(at);
      parents.set(at, root);
      at = next;
    }
    return root;
  };
  /** Joins the runs of two neighbouring rows that touch. `distance`: between the rows, in data indices. */
  const joinRows = (row: number, earlier: number, distance: number) => {
    let a = firstRun[earlier] as number;
    let b = firstRun[row] as number;
    while (a < (firstRun[earlier + 1] as number) && b < starts.length) {
      const aEnd = ends.at(a) + distance;
      if (starts.at(a) + distance < ends.at(b) && starts.at(b) < aEnd) {
        const [rootA, rootB] = [rootOf(a), rootOf(b)];
        parents.set(Math.max(rootA, rootB), Math.min(rootA, rootB));
      }
      if (aEnd < ends.at(b)) a++;
      else b++;
    }
  };

  const fours = inFours(data);
  for (let row = 0; row < n0 * n1; row++) {
    if (row % n1 === 0 && isZero(data.subarray(row * n2, (row + n1) * n2))) {
      firstRun.fill(starts.length, row, row + n1 + 1);
      row += n1 - 1;
      continue;
    }
    firstRun[row] = starts.length;
    const end = (row + 1) * n2;
    for (let at = row * n2; at < end; at++) {
      if (fours) while (at % 4 === 0 && at + 4 <= end && fours[at / 4] === 0) at += 4;
      if (at === end) break;
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

  const sizes: number[] = [];
  // A root is the first run of its component, so that it has its number before the others ask for it.
  const numbers = new Int32Array(starts.length);
  for (let run = 0; run < starts.length; run++) {
    const root = rootOf(run);
    const component = root === run ? sizes.length : (numbers[root] as number);
    numbers[run] = component;
    sizes[component] = (sizes[component] ?? 0) + ends.at(run) - starts.at(run);
  }
  return { runs: { [Symbol.iterator]: () => runsOf(starts, ends, numbers) }, sizes };
}

/** One by one, since a noisy mask may have millions. */
function* runsOf(starts: GrowingIndices, ends: GrowingIndices, numbers: Int32Array): Generator<Run> {
  for (let run = 0; run < numbers.length; run++) {
    yield { start: starts.at(run), end: ends.at(run), component: numbers[run] as number };
  }
}

/** The same bytes, four by four, so that emptiness is passed over faster. */
function inFours({ buffer, byteOffset, length }: Uint8Array): Uint32Array | undefined {
  return byteOffset % 4 === 0 ? new Uint32Array(buffer, byteOffset, Math.floor(length / 4)) : undefined;
}
