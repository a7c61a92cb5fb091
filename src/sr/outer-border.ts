import type { ImagePoint } from './content-item.ts';

/** Steps along the edges of pixels: to the right, down, to the left, up. Turning right is the next one. */
const STEPS = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
] as const;

/** A part of a mask, whose pixels share edges. */
export interface Outlined {
  readonly pixels: number;
  /** Clockwise along the edges of pixels, with a point at each turn; the last is the first again. */
  readonly border: readonly ImagePoint[];
}

/**
 * The parts of a mask, row by row, each by its outer border, in the order of their first pixels from above.
 */
export function outerBorders(mask: Uint8Array, width: number): Outlined[] {
  const { labels, parts } = connectedParts(mask, width);
  return parts.map(({ start, pixels }, index) => ({
    pixels,
    border: outerBorder(labels, index + 1, start, width),
  }));
}

interface Part {
  /** Its first pixel, from above. */
  readonly start: number;
  readonly pixels: number;
}

/** Numbers the parts of a mask from 1 on, 0 where there is none. */
function connectedParts(mask: Uint8Array, width: number): { labels: Uint32Array; parts: Part[] } {
  const labels = new Uint32Array(mask.length);
  const parts: Part[] = [];
  for (let start = 0; start < mask.length; start++) {
    if (mask[start] === 0 || labels[start] !== 0) continue;
    const label = parts.length + 1;
    labels[start] = label;
    let pixels = 0;
    const waiting = [start];
    for (let pixel = waiting.pop(); pixel !== undefined; pixel = waiting.pop()) {
      pixels++;
      const column = pixel % width;
      const neighbours = [
        pixel - width,
        pixel + width,
        column > 0 ? pixel - 1 : -1,
        column < width - 1 ? pixel + 1 : -1,
      ];
      for (const neighbour of neighbours) {
        if (!mask[neighbour] || labels[neighbour] !== 0) continue;
        labels[neighbour] = label;
        waiting.push(neighbour);
      }
    }
    parts.push({ start, pixels });
  }
  return { labels, parts };
}

/**
 * Walks around a part with the part on the right, from the upper left corner of its first pixel. Where two of
 * its pixels touch at a corner alone, the walk stays at the one it is at.
 */
function outerBorder(labels: Uint32Array, label: number, start: number, width: number): ImagePoint[] {
  const inside = (column: number, row: number): boolean =>
    column >= 0 && column < width && labels[row * width + column] === label;
  const first: ImagePoint = [start % width, Math.floor(start / width)];
  const border: ImagePoint[] = [first];
  let [column, row] = first;
  let direction = 0;
  do {
    const [right, down] = STEPS[direction] ?? STEPS[0];
    column += right;
    row += down;
    // The pixels ahead, to the left and to the right of the line that the walk is on.
    const left = [column + (right + down - 1) / 2, row + (down - right - 1) / 2] as const;
    const isLeft = inside(left[0], left[1]);
    const isRight = inside(left[0] - down, left[1] + right);
    if (isRight && !isLeft) continue;
    direction = (direction + (isRight ? 3 : 1)) % 4;
    border.push([column, row]);
  } while (column !== first[0] || row !== first[1]);
  return border;
}
