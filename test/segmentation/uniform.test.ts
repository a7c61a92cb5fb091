import { describe, expect, it } from 'vitest';
import { refuseUniform } from '../../src/segmentation/preprocessing/uniform.ts';

const [nx, ny, nz] = [16, 12, 6] as const;

function volume(value: (x: number, y: number, z: number) => number) {
  const at = (i: number) => [i % nx, Math.floor(i / nx) % ny, Math.floor(i / (nx * ny))] as const;
  const voxels = Int16Array.from({ length: nx * ny * nz }, (_, i) => value(...at(i)));
  return { voxels, size: [nx, ny, nz] as [number, number, number], affine: [] };
}
const noise = (x: number, y: number, z: number) => ((x * 7 + y * 13 + z * 5) % 11) - 5;
const UNUSABLE = expect.objectContaining({ code: 'VOLUME_UNUSABLE' });

describe('a volume that shows nothing is refused', () => {
  it.each<[string, (x: number, y: number, z: number) => number]>([
    ['one value everywhere', () => -1024],
    ['one value but for a burnt border', (x, y) => (x === 0 || y === 0 || x === nx - 1 ? 3000 : 0)],
    ['one value but for text in a corner', (x, y) => (x > 12 && y < 3 ? 255 : 40)],
    ['a lost slice', (x, y, z) => (z === 3 ? 0 : noise(x, y, z))],
    ['every second slice lost', (x, y, z) => (z % 2 ? noise(x, y, z) : -2000)],
  ])('%s', (_, value) => expect(() => refuseUniform(volume(value))).toThrow(UNUSABLE));
});

describe('a volume that shows something is taken', () => {
  it.each<[string, (x: number, y: number, z: number) => number]>([
    ['noise', noise],
    ['a body in one slice', (x, y, z) => (z === 2 ? noise(x, y, z) : -1000)],
    ['blank slices at the ends', (x, y, z) => (z === 0 || z === nz - 1 ? 0 : noise(x, y, z))],
    ['slices of different values', (_x, _y, z) => z],
  ])('%s', (_, value) => expect(() => refuseUniform(volume(value))).not.toThrow());
});
