import type { Box } from '../../array-view.ts';
import { AXES, type Axis, type Shape3 } from '../../array3.ts';
import { gridCorners } from '../sliding-window.ts';
import { endOf } from './box.ts';

/** Nearer to a window's faces than this share of it, something counts as seen badly. */
const EDGE = 0.125;

/** A grid of windows over an image, and what of it was seen. */
export class WindowGrid {
  readonly corners: readonly Shape3[];
  readonly #seen: Shape3[] = [];
  readonly #shape: Shape3;
  readonly #patchSize: Shape3;

  constructor(shape: Shape3, patchSize: Shape3, stepSize: number) {
    const [along0, along1, along2] = gridCorners(shape, patchSize, stepSize);
    this.corners = along0.flatMap((i) => along1.flatMap((j) => along2.map((k): Shape3 => [i, j, k])));
    this.#shape = shape;
    this.#patchSize = patchSize;
  }

  see(corner: Shape3): void {
    this.#seen.push(corner);
  }

  /** The window, of those that are open, that shows best what was not yet seen well of a box. */
  unseen(box: Box, open: readonly Shape3[]): Shape3 | undefined {
    const isOpen = new Set(open);
    const wanted = new Map<Shape3, number>();
    for (const point of pointsIn(box, this.#patchSize)) {
      if (this.#seen.some((corner) => this.#shows(corner, point))) continue;
      const nearest = this.#nearest(point);
      if (nearest && isOpen.has(nearest)) wanted.set(nearest, (wanted.get(nearest) ?? 0) + 1);
    }
    const [best] = [...wanted].toSorted(([, a], [, b]) => b - a);
    return best?.[0];
  }

  /** Whether a point lies well inside a window, or where the image itself ends. */
  #shows(corner: Shape3, point: Shape3): boolean {
    return AXES.every((axis) => {
      const edge = EDGE * this.#patchSize[axis];
      const first = corner[axis] <= 0 ? 0 : corner[axis] + edge;
      const end = corner[axis] + this.#patchSize[axis];
      return first <= point[axis] && point[axis] < (end >= this.#shape[axis] ? end : end - edge);
    });
  }

  #nearest(point: Shape3): Shape3 | undefined {
    let nearest: Shape3 | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const corner of this.corners) {
      const off = (axis: Axis) => Math.abs(corner[axis] + this.#patchSize[axis] / 2 - point[axis]);
      const distance = Math.max(...AXES.map((axis) => off(axis) / this.#patchSize[axis]));
      if (distance < least) [least, nearest] = [distance, corner];
    }
    return nearest;
  }
}

/** Points a little apart from each other, the box's corners among them. */
function pointsIn(box: Box, patchSize: Shape3): Shape3[] {
  const along = (axis: Axis) => {
    const last = endOf(box)[axis] - 1;
    const count = Math.ceil((last - box.start[axis]) / (EDGE * patchSize[axis])) + 1;
    return Array.from({ length: count }, (_, i) =>
      count === 1 ? last : Math.round(box.start[axis] + ((last - box.start[axis]) * i) / (count - 1)),
    );
  };
  const [along0, along1, along2] = [along(0), along(1), along(2)];
  return along0.flatMap((i) => along1.flatMap((j) => along2.map((k): Shape3 => [i, j, k])));
}
