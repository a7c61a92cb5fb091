import type { Box } from '../../array-view.ts';
import { AXES, type Axis, type Shape3 } from '../../array3.ts';
import { everyStart, gridCorners } from '../sliding-window.ts';
import { endOf } from './box.ts';

/** Nearer to a window's faces than this share of it, something counts as seen badly. */
const EDGE = 0.03;
/** How far apart the points are, as a share of the patch, of which it is asked whether they were seen. */
const DENSITY = 0.25;

/** A grid of windows over an image, and what of it was seen. */
export class WindowGrid {
  readonly corners: readonly Shape3[];
  readonly #along: readonly [number[], number[], number[]];
  readonly #seen = new Set<Shape3>();
  readonly #shape: Shape3;
  readonly #patchSize: Shape3;

  constructor(shape: Shape3, patchSize: Shape3, stepSize: number) {
    this.#along = gridCorners(shape, patchSize, stepSize);
    this.corners = [...everyStart(this.#along)];
    this.#shape = shape;
    this.#patchSize = patchSize;
  }

  see(corner: Shape3): void {
    this.#seen.add(corner);
  }

  /** The window, of those that are open, that shows best what was not yet seen well of a box. */
  unseen(box: Box, open: readonly Shape3[]): Shape3 | undefined {
    const isOpen = new Set(open);
    const wanted = new Map<Shape3, number>();
    for (const point of this.#pointsIn(box)) {
      const nearest = this.#nearest(point);
      if (!isOpen.has(nearest) || this.#isSeen(point)) continue;
      wanted.set(nearest, (wanted.get(nearest) ?? 0) + 1);
    }
    const [best] = [...wanted].toSorted(([, a], [, b]) => b - a);
    return best?.[0];
  }

  #isSeen(point: Shape3): boolean {
    for (const corner of this.#seen) if (this.#shows(corner, point)) return true;
    return false;
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

  /** The window whose middle is nearest to a point along each axis. */
  #nearest(point: Shape3): Shape3 {
    let index = 0;
    for (const axis of AXES) {
      const middle = point[axis] - this.#patchSize[axis] / 2;
      const corners = this.#along[axis];
      let nearest = 0;
      for (const [i, corner] of corners.entries())
        if (Math.abs(corner - middle) < Math.abs((corners[nearest] as number) - middle)) nearest = i;
      index = index * corners.length + nearest;
    }
    return this.corners[index] as Shape3;
  }

  /** Points a little apart from each other, the box's corners among them. */
  #pointsIn(box: Box): Shape3[] {
    const along = (axis: Axis) => {
      const last = endOf(box)[axis] - 1;
      const step = Math.max(1, DENSITY * this.#patchSize[axis]);
      const count = Math.ceil((last - box.start[axis]) / step);
      const points = Array.from({ length: count }, (_, i) => Math.floor(box.start[axis] + i * step));
      return [...points, last];
    };
    return [...everyStart([along(0), along(1), along(2)])];
  }
}
