/** Applies a row-major 4x4 matrix to a point. */
export function apply(affine: readonly number[], point: readonly number[]): number[] {
  const [x = 0, y = 0, z = 0] = point;
  return [0, 4, 8].map(
    (r) => (affine[r] ?? 0) * x + (affine[r + 1] ?? 0) * y + (affine[r + 2] ?? 0) * z + (affine[r + 3] ?? 0),
  );
}

/** Of the 3x3 part of a row-major 4x4 matrix. */
export function determinant(m: readonly number[]): number {
  const column = (c: number) => [m[c] ?? 0, m[4 + c] ?? 0, m[8 + c] ?? 0];
  return cross(column(0), column(1)).reduce((sum, value, i) => sum + value * (column(2)[i] ?? 0), 0);
}

/** Of a row-major 4x4 matrix whose last row is 0 0 0 1. */
export function inverse(m: readonly number[]): number[] {
  const [a, b, c, offset] = [0, 1, 2, 3].map((col) => [m[col] ?? 0, m[4 + col] ?? 0, m[8 + col] ?? 0]);
  const scale = 1 / determinant(m);
  const rows = [cross(b ?? [], c ?? []), cross(c ?? [], a ?? []), cross(a ?? [], b ?? [])].map((row) =>
    row.map((value) => value * scale),
  );
  const shifts = rows.map((row) => -row.reduce((sum, value, i) => sum + value * (offset?.[i] ?? 0), 0));
  return [...rows.flatMap((row, r) => [...row, shifts[r] ?? 0]), 0, 0, 0, 1];
}

export function cross(a: readonly number[], b: readonly number[]): number[] {
  const [ax = 0, ay = 0, az = 0] = a;
  const [bx = 0, by = 0, bz = 0] = b;
  return [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
}
