import { describe, expect, it } from 'vitest';
import { createAbdomen } from '../../src/demo/phantom/abdomen.ts';
import { type DrawnCase, drawCase } from '../../src/demo/phantom/hard-scan.ts';
import { renderPancreas } from '../../src/demo/phantom/render.ts';
import { SCANNED, variedScan } from '../../src/demo/phantom/varied-scan.ts';
import { voxelVolumeMl } from '../../src/dicom/volume.ts';

const SEEDS = Array.from({ length: 24 }, (_, i) => 40_000 + i);

const scans = SEEDS.map((seed) => variedScan(seed, 'CT'));

function counted({ abdomen, grid }: ReturnType<typeof variedScan>): number {
  return renderPancreas(abdomen, grid).voxels.reduce((sum, v) => sum + v, 0) * voxelVolumeMl(grid.affine);
}

const drawnMl = ({ truth }: DrawnCase): number =>
  truth.voxels.reduce((sum, v) => sum + v, 0) * voxelVolumeMl(truth.affine);

describe('varied scans', () => {
  it('cover volumes from 25 to 160 ml evenly', () => {
    const sorted = scans.map((scan) => scan.abdomen.pancreasVolumeMl).toSorted((a, b) => a - b);
    for (const [i, volume] of sorted.entries())
      expect(Math.abs(volume - (25 + (135 * (i + 0.5)) / sorted.length))).toBeLessThan(12);
  });

  it('hold the whole gland, near the edge of the field as well: its voxels have the volume that is stated', () => {
    for (const scan of scans) {
      const truth = scan.abdomen.pancreasVolumeMl;
      expect(Math.abs(counted(scan) / truth - 1)).toBeLessThan(0.04);
    }
  });

  it('have slices from 1 to 6 mm, thin and thick ones', () => {
    const slices = scans.map((scan) => scan.sliceMm);
    expect(Math.min(...slices)).toBeGreaterThanOrEqual(1);
    expect(Math.min(...slices)).toBeLessThan(2);
    expect(Math.max(...slices)).toBeLessThanOrEqual(6);
    expect(Math.max(...slices)).toBeGreaterThan(5);
  });

  it('show one seed as the same patient in each contrast', () => {
    const volumes = SCANNED.map((contrast) => variedScan(SEEDS[0] ?? 0, contrast).abdomen.pancreasVolumeMl);
    expect(new Set(volumes).size).toBe(1);
  });

  it('show a later visit with exactly the change that is asked for, in a field that moved', () => {
    const [first, later] = [0, 1].map((visit) =>
      variedScan(SEEDS[3] ?? 0, 'CT', { visit, pancreasScale: visit === 0 ? 1 : 0.8 }),
    );
    const before = first?.abdomen.pancreasVolumeMl ?? 0;
    expect(later?.abdomen.pancreasVolumeMl).toBeCloseTo(0.8 * before, 6);
    expect(later?.grid.size).toEqual(first?.grid.size);
    expect(later?.grid.affine).not.toEqual(first?.grid.affine);
  });
});

describe('hard forms of a scan', () => {
  const [scan] = scans as [(typeof scans)[number]];
  const whole = scan.abdomen.pancreasVolumeMl;
  const voxelsOn = ({ truth }: DrawnCase, axis: 'lowest slice' | 'highest column'): number => {
    const [nx, ny] = truth.size;
    const at = axis === 'lowest slice' ? (i: number) => i < nx * ny : (i: number) => i % nx >= nx - 3;
    return truth.voxels.filter((value, i) => value && at(i)).length;
  };

  it('cut: the lowest slice goes through the gland, and what is left is counted', () => {
    const cut = drawCase(scan, 'cut');
    expect(voxelsOn(cut, 'lowest slice')).toBeGreaterThan(20);
    expect(cut.trueVolumeMl).toBeLessThan(0.95 * whole);
    expect(cut.trueVolumeMl).toBeGreaterThan(0.3 * whole);
    expect(cut.image.size).toEqual(cut.truth.size);
  });

  it('edge: the whole gland, up against the side of the field', () => {
    const edge = drawCase(scan, 'edge');
    expect(voxelsOn(edge, 'highest column')).toBeGreaterThan(0);
    expect(edge.trueVolumeMl).toBe(whole);
    expect(Math.abs(drawnMl(edge) / whole - 1)).toBeLessThan(0.04);
  });

  it('two: the same tissue again below the gland, in the image and in what is true', () => {
    const [one, two] = [drawCase(scan, 'ordinary'), drawCase(scan, 'two')];
    expect(two.trueVolumeMl).toBeGreaterThan(1.5 * one.trueVolumeMl);
    const added = two.truth.voxels.findIndex((value, i) => value !== one.truth.voxels[i]);
    expect(two.image.voxels[added]).not.toBe(one.image.voxels[added]);
  });
});

describe('an abdomen with options', () => {
  it('keeps the rest of the seed as it is with arms down', () => {
    const [up, down] = (['up', 'down'] as const).map((arms) => createAbdomen(77, { arms }));
    expect(down?.pancreasVolumeMl).toBe(up?.pancreasVolumeMl);
    expect(down?.organs.length).toBe((up?.organs.length ?? 0) + 2);
    const shapes = new Set(up?.organs.map((organ) => JSON.stringify(organ)));
    expect(down?.organs.filter((organ) => !shapes.has(JSON.stringify(organ)))).toHaveLength(2);
  });

  it('is thinner in body and tail, not in the head, where the gland has wasted', () => {
    const radii = (atrophy: number) => {
      const { samples } = createAbdomen(77, { gland: { volumeMl: 85, atrophy } }).pancreas;
      return Array.from({ length: samples.length / 4 }, (_, i) => samples[i * 4 + 3] ?? 0);
    };
    const [usual, wasted] = [radii(0), radii(1)];
    const share = (all: number[]) => (all[40] ?? 0) / (all[12] ?? 1);
    expect(share(wasted)).toBeLessThan(0.8 * share(usual));
  });
});
