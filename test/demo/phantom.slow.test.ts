import { describe, expect, it } from 'vitest';
import { createAbdomen, tubeVolumeMl } from '../../src/demo/phantom/abdomen.ts';
import type { Grid } from '../../src/demo/phantom/field.ts';
import { renderContrast, renderPancreas } from '../../src/demo/phantom/render.ts';
import { scaleTube, type Tube } from '../../src/demo/phantom/shapes.ts';
import { type Stack, stackGrid, underPose } from '../../src/demo/studies-grid.ts';
import { spacingOf, voxelVolumeMl } from '../../src/dicom/volume.ts';

const AXIAL: Stack = {
  orientation: 'axial',
  columns: 128,
  rows: 104,
  slices: 50,
  pixelSpacing: 3,
  sliceSpacing: 4,
  centre: [0, 6, -2],
};
const GRID = stackGrid(AXIAL);
const CORONAL = stackGrid({ ...AXIAL, orientation: 'coronal', rows: 72, slices: 70, sliceSpacing: 4.5 });
const OBLIQUE = underPose(GRID, { turn: 0.2, table: [0, 0, 0] });

const abdomen = createAbdomen(31);

function volumeMl(grid: Grid, scale = 1): number {
  const { voxels } = renderPancreas(
    scale === 1 ? abdomen : createAbdomen(31, { pancreasScale: scale }),
    grid,
  );
  return voxels.reduce((sum, v) => sum + v, 0) * voxelVolumeMl(grid.affine);
}

/** Mean and standard deviation of an image where a mask is 1. */
function statistics(image: Int16Array, mask: Uint8Array): { mean: number; sd: number } {
  const inside = [...image].filter((_, i) => mask[i] === 1);
  const mean = inside.reduce((sum, v) => sum + v, 0) / inside.length;
  return { mean, sd: Math.sqrt(inside.reduce((sum, v) => sum + (v - mean) ** 2, 0) / inside.length) };
}

describe('the synthetic abdomen', () => {
  it('is the same for the same seed and another for another', () => {
    const again = renderContrast(createAbdomen(31), GRID, 'CT', 5).voxels;
    const first = renderContrast(abdomen, GRID, 'CT', 5).voxels;
    expect(Buffer.from(again.buffer).equals(Buffer.from(first.buffer))).toBe(true);
    expect(createAbdomen(32).pancreasVolumeMl).not.toBeCloseTo(abdomen.pancreasVolumeMl, 1);
  });

  it('has a pancreas of the size that adults have', () => {
    for (let seed = 100; seed < 115; seed++) {
      const { pancreasVolumeMl } = createAbdomen(seed);
      expect(pancreasVolumeMl).toBeGreaterThan(60);
      expect(pancreasVolumeMl).toBeLessThan(110);
    }
  });

  it.each([
    ['axial', GRID],
    ['coronal', CORONAL],
    ['turned', OBLIQUE],
  ])('has the volume that it states, counted in voxels of an %s grid', (_, grid) => {
    expect(Math.abs(volumeMl(grid) / abdomen.pancreasVolumeMl - 1)).toBeLessThan(0.03);
  });

  it('shrinks by what pancreasScale says, and only in the pancreas', () => {
    const smaller = createAbdomen(31, { pancreasScale: 0.88 });
    expect(smaller.pancreasVolumeMl / abdomen.pancreasVolumeMl).toBeCloseTo(0.88, 6);
    expect(Math.abs(volumeMl(GRID, 0.88) / volumeMl(GRID) - 0.88)).toBeLessThan(0.02);
    expect(smaller.organs.slice(0, -1)).toEqual(abdomen.organs.slice(0, -1));
  });

  it('keeps the anatomy from visit to visit and changes the noise', () => {
    const [first, second] = [1, 2].map((visit) => renderContrast(abdomen, GRID, 'CT', visit).voxels);
    const changes = (first ?? new Int16Array()).map((v, i) => Math.abs(v - (second?.[i] ?? 0)));
    const unchanged = changes.filter((change) => change < 100).length / changes.length;
    expect(changes.some((change) => change > 0)).toBe(true);
    expect(unchanged).toBeGreaterThan(0.98);
  });

  it('shows the pancreas in HU of the portal venous phase', () => {
    const image = renderContrast(abdomen, GRID, 'CT', 3);
    const { mean, sd } = statistics(image.voxels, renderPancreas(abdomen, GRID).voxels);
    expect(mean).toBeGreaterThan(60);
    expect(mean).toBeLessThan(125);
    expect(sd).toBeGreaterThan(8);
    expect(image.voxels[0]).toBeLessThan(-900);
  });

  it('shows the pancreas brighter than liver and fat in T1W, darker than fat in T2W', () => {
    const mask = renderPancreas(abdomen, GRID).voxels;
    const mean = (contrast: 'T1W' | 'T2W') => {
      const { voxels } = renderContrast(abdomen, GRID, contrast, 3);
      const body = voxels.filter((v) => v > 60);
      return statistics(voxels, mask).mean / (body.reduce((sum, v) => sum + v, 0) / body.length);
    };
    expect(mean('T1W')).toBeGreaterThan(1.3);
    expect(mean('T2W')).toBeLessThan(1.1);
  });
});

describe('the volume of a tube', () => {
  const radius = 9;
  const length = 60;
  const capsule: Tube = {
    kind: 'tube',
    samples: Float64Array.from([0, 0, 0, radius, length * 0.6, length * 0.8, 0, radius]),
  };

  it('is that of the solid it describes', () => {
    const exact = (Math.PI * radius ** 2 * length + (4 / 3) * Math.PI * radius ** 3) / 1000;
    expect(tubeVolumeMl(capsule, 0.75) / exact).toBeCloseTo(1, 2);
  });

  it('follows the factor by which the tube is scaled', () => {
    expect(tubeVolumeMl(scaleTube(capsule, 0.7), 0.75) / tubeVolumeMl(capsule, 0.75)).toBeCloseTo(0.7, 2);
  });

  it('does not depend on the step of integration', () => {
    const step = (mm: number) => tubeVolumeMl(abdomen.pancreas, mm);
    expect(Math.abs(step(0.75) / step(0.5) - 1)).toBeLessThan(0.002);
    expect(spacingOf(GRID.affine)).toEqual([3, 3, 4]);
  });
});
