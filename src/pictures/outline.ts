/** A stretch of the border between inside and outside; pixel (i, j) covers from (i, j) to (i + 1, j + 1). */
export interface BorderSegment {
  readonly from: readonly [x: number, y: number];
  readonly to: readonly [x: number, y: number];
}

/**
 * The border of a mask, exactly along the edges of its pixels: horizontal stretches from above, then vertical
 * ones from the left. What lies beyond the image is outside.
 */
export function outline(mask: ArrayLike<number>, width: number, height: number): BorderSegment[] {
  const inside = (i: number, j: number): boolean =>
    i >= 0 && j >= 0 && i < width && j < height && mask[j * width + i] !== 0;
  return [
    ...stretches(height, width, (y, x) => inside(x, y - 1) !== inside(x, y)).map(
      ({ line, start, end }): BorderSegment => ({ from: [start, line], to: [end, line] }),
    ),
    ...stretches(width, height, (x, y) => inside(x - 1, y) !== inside(x, y)).map(
      ({ line, start, end }): BorderSegment => ({ from: [line, start], to: [line, end] }),
    ),
  ];
}

/** Unbroken runs of edges that are border, on each of the `lines + 1` grid lines. */
function stretches(
  lines: number,
  edges: number,
  isBorder: (line: number, edge: number) => boolean,
): { line: number; start: number; end: number }[] {
  const found: { line: number; start: number; end: number }[] = [];
  for (let line = 0; line <= lines; line++) {
    let start: number | undefined;
    for (let edge = 0; edge <= edges; edge++) {
      const border = edge < edges && isBorder(line, edge);
      if (border) start ??= edge;
      else if (start !== undefined) {
        found.push({ line, start, end: edge });
        start = undefined;
      }
    }
  }
  return found;
}
