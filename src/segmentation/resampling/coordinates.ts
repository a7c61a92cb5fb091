/**
 * Coordinate on the old grid of the centre of cell `index` on the new one; both grids span the same cells.
 */
export function oldCoordinate(index: number, oldLength: number, newLength: number): number {
  return (index + 0.5) * (oldLength / newLength) - 0.5;
}

/**
 * The nearest old index for each new one, as scipy.ndimage.map_coordinates(order=0, mode='nearest') rounds.
 */
export function nearestIndices(length: number, newLength: number): Int32Array {
  return Int32Array.from({ length: newLength }, (_, i) => {
    const coordinate = Math.min(length - 1, Math.max(0, oldCoordinate(i, length, newLength)));
    return Math.floor(coordinate + 0.5);
  });
}
