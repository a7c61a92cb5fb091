import { describe, expect, it } from 'vitest';
import { createAbdomen } from '../../src/demo/phantom/abdomen.ts';
import { renderContrast } from '../../src/demo/phantom/render.ts';
import type { Volume } from '../../src/dicom/volume.ts';
import { readNifti } from '../../src/nifti/read-nifti.ts';
import { bodyProfile } from '../../src/pipeline/pixels/body-profile.ts';
import { ctStation } from '../../src/pipeline/pixels/ct-station.ts';
import { describeWith, shared } from '../support/requires.ts';

/** Coarse, so that many are quick. */
function phantom(seed: number, from: number, to: number): Volume<Int16Array> {
  const [edge, slice] = [8, 10];
  const size = [56, 42, Math.round((to - from) / slice)] as const;
  const affine = [edge, 0, 0, -0.5 * 56 * edge, 0, edge, 0, -0.5 * 42 * edge, 0, 0, slice, from, 0, 0, 0, 1];
  return renderContrast(createAbdomen(seed), { size, affine }, 'CT', seed);
}

const SEEDS = Array.from({ length: 6 }, (_, i) => 70_000 + i);

describe('the station of a CT by its pixels, on synthetic abdomens', { timeout: 120_000 }, () => {
  const rate = async (from: number, to: number) => {
    const told = await Promise.all(SEEDS.map((seed) => ctStation(phantom(seed, from, to))));
    return { abdomen: count(told, 'abdomen'), chest: count(told, 'chest'), unknown: count(told, 'unknown') };
  };
  const count = (told: readonly string[], what: string) => told.filter((one) => one === what).length;

  it('from the lungs to the pelvis is an abdomen, never a chest', async () => {
    expect(await rate(-160, 160)).toEqual({ abdomen: 6, chest: 0, unknown: 0 });
  });

  it('an abdomen without lungs is not told, and never a chest', async () => {
    expect(await rate(-160, 60)).toMatchObject({ chest: 0 });
  });

  it('the lungs alone are a chest, but where they are short', async () => {
    expect(await rate(90, 215)).toEqual({ abdomen: 0, chest: 5, unknown: 1 });
  });
});

describeWith(['shared'], 'on images of patients', () => {
  it.each(['ct-abdomen-3mm', 'ct-abdomen-small'])('%s is no chest', async (name) => {
    const { volume } = await readNifti(shared('data', 'nifti', `${name}.nii.gz`));
    expect(await ctStation(volume)).not.toBe('chest');
  });

  it("no slice of an abdomen is taken for one through the middle of the lungs, and its width is the body's", async () => {
    const { volume } = await readNifti(shared('data', 'nifti', 'ct-abdomen-3mm.nii.gz'));
    const profile = await bodyProfile(volume);
    expect(Math.max(...profile.map(({ lung }) => lung))).toBeLessThan(0.15);
    expect(profile.every(({ width }) => width > 300 && width < 380)).toBe(true);
  });
});
