import type { Array3, Shape3 } from '../array3.ts';

/**
 * The voxels that aren't zero (NaN isn't), holes filled, as scipy.ndimage.binary_fill_holes does: zeros that
 * cannot be reached from the border over shared faces count as inside.
 */
export function nonzeroMask({ data, shape }: Array3<Float32Array>): Array3<Uint8Array> {
  const [n0, n1, n2] = shape;
  const inside = new Uint8Array(data.length).fill(1);
  let reached: number[] = [];
  const visit = (index: number) => {
    if (inside[index] === 0 || data[index] !== 0) return;
    inside[index] = 0;
    reached.push(index);
  };
  forEachOnBorder(shape, visit);
  // Ring by ring inwards: a ring is as small as a surface, all that is yet to be visited may be a volume.
  while (reached.length > 0) {
    const ring = reached;
    reached = [];
    for (const index of ring) {
      const k = index % n2;
      const row = (index - k) / n2;
      const j = row % n1;
      const i = (row - j) / n1;
      if (k > 0) visit(index - 1);
      if (k < n2 - 1) visit(index + 1);
      if (j > 0) visit(index - n2);
      if (j < n1 - 1) visit(index + n2);
      if (i > 0) visit(index - n1 * n2);
      if (i < n0 - 1) visit(index + n1 * n2);
    }
  }
  return { data: inside, shape };
}

function forEachOnBorder([n0, n1, n2]: Shape3, visit: (index: number) => void): void {
  for (let i = 0; i < n0; i++) {
    for (let j = 0; j < n1; j++) {
      const row = (i * n1 + j) * n2;
      const isWholeRow = i === 0 || i === n0 - 1 || j === 0 || j === n1 - 1;
      for (let k = 0; k < n2; k += isWholeRow ? 1 : Math.max(1, n2 - 1)) visit(row + k);
    }
  }
}
