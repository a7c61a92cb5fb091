import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Volume } from '../../src/dicom/volume.ts';
import { gridOfVolume } from '../../src/nifti/grid.ts';
import { readNifti } from '../../src/nifti/read-nifti.ts';
import { writeNifti } from '../../src/nifti/write-nifti.ts';
import { niftiFile } from '../support/nifti-file.ts';
import { describeWith, programPath } from '../support/requires.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nifti-'));
});
afterAll(() => rm(folder, { recursive: true }));

const labels = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 2);

/** Index to RAS of an oblique grid: turned around z, then around x. */
function obliqueSform(spacing: readonly number[], around: number, tilt: number): number[] {
  const [c, s, k, l] = [Math.cos(around), Math.sin(around), Math.cos(tilt), Math.sin(tilt)];
  const directions = [c, -s * k, s * l, s, c * k, -c * l, 0, l, k];
  return [0, 1, 2].flatMap((row) => [
    ...[0, 1, 2].map((axis) => (directions[3 * row + axis] ?? 0) * (spacing[axis] ?? 0)),
    10 * (row + 1) + 0.1,
  ]);
}

const OBLIQUE = {
  pixdim: [-1, 0.8, 0.7, 3],
  sform: obliqueSform([0.8, 0.7, 3], 0.3, 0.2),
  qformCode: 1,
  sformCode: 2,
  qform: [0.1, 0.2, 0.3, 4, 5, 6],
};

describe('a result on the grid of a NIfTI file', () => {
  it.each([
    [1, true],
    [1, false],
    [2, true],
    [2, false],
  ] as const)(
    'repeats its geometry to the bit: version %i, little-endian %s',
    async (version, littleEndian) => {
      const input = path.join(folder, 'input.nii');
      const output = path.join(folder, 'output.nii.gz');
      const source = niftiFile({ ...OBLIQUE, version, littleEndian });
      await writeFile(input, source);
      const image = await readNifti(input);
      await writeNifti(output, image.grid, labels(24), 'labels');
      const result = await readNifti(output);
      expect(result.grid).toEqual(image.grid);
      expect(result.volume).toEqual({ ...image.volume, voxels: labels(24) });
      if (!littleEndian) return;
      // pixdim, qform and sform byte by byte.
      const bytes = gunzipSync(await readFile(output));
      const fields: [number, number][] =
        version === 1
          ? [
              [76, 16],
              [252, 76],
            ]
          : [
              [104, 32],
              [344, 152],
            ];
      for (const [start, length] of fields) {
        expect(bytes.subarray(start, start + length)).toEqual(source.subarray(start, start + length));
      }
    },
  );

  it('keeps every value of every grid', async () => {
    const length = fc.integer({ min: 1, max: 6 });
    const spacing = fc.double({ min: 0.1, max: 10, noNaN: true });
    const angle = fc.double({ min: -3, max: 3, noNaN: true });
    const grids = fc.record({
      version: fc.constantFrom(1 as const, 2 as const),
      dims: fc.tuple(length, length, length),
      spacings: fc.tuple(spacing, spacing, spacing),
      around: angle,
      tilt: angle,
      seed: fc.integer(),
    });
    await fc.assert(
      fc.asyncProperty(grids, async ({ version, dims, spacings, around, tilt, seed }) => {
        const input = path.join(folder, 'any.nii');
        const output = path.join(folder, 'any.nii.gz');
        const sform = obliqueSform(spacings, around, tilt);
        await writeFile(input, niftiFile({ version, dims, pixdim: [1, ...spacings], sform }));
        const { grid, volume } = await readNifti(input);
        const voxels = Float32Array.from({ length: dims[0] * dims[1] * dims[2] }, (_, i) =>
          Math.sin(seed + i),
        );
        await writeNifti(output, grid, voxels, 'probability');
        expect((await readNifti(output)).volume).toEqual({ ...volume, voxels });
      }),
      { numRuns: 50 },
    );
  });

  it('tells nothing that the header of the input says about the patient', async () => {
    const source = niftiFile(OBLIQUE);
    source.write('DOE^JANE 1950', 148, 'latin1'); // descrip
    source.write('doe.txt', 228, 'latin1'); // aux_file
    source.write('doe', 328, 'latin1'); // intent_name
    await writeFile(path.join(folder, 'named.nii'), source);
    const { grid } = await readNifti(path.join(folder, 'named.nii'));
    const output = path.join(folder, 'nameless.nii.gz');
    await writeNifti(output, grid, labels(24), 'labels');
    expect(gunzipSync(await readFile(output)).toString('latin1')).not.toMatch(/doe/i);
  });

  it('appears whole or not at all', async () => {
    const target = path.join(folder, 'taken');
    const { grid } = await readNifti(await small('small.nii'));
    await expect(writeNifti(path.join(target, 'seg.nii.gz'), grid, labels(24), 'x')).rejects.toThrow(
      /ENOENT/,
    );
    await expect(writeNifti(path.join(folder, 'few.nii.gz'), grid, labels(23), 'x')).rejects.toThrow(
      /23 voxels/,
    );
    // A folder stands where the file should go: found out at the very end.
    const blocked = path.join(folder, 'blocked.nii.gz');
    await mkdir(blocked);
    await expect(writeNifti(blocked, grid, labels(24), 'x')).rejects.toThrow(/blocked/);
    expect((await readdir(folder)).filter((name) => /few|taken|\.part$/.test(name))).toEqual([]);
  });
});

describe('a result on the grid of a volume that was no NIfTI file', () => {
  it('lies where the volume lies, sheared grids included', async () => {
    const affine = [0.5, 0, 0, -100, 0, 0.5, 0.4, -50, 0, 0, 2, 30, 0, 0, 0, 1];
    const volume: Volume = { voxels: labels(24), size: [4, 3, 2], affine };
    const output = path.join(folder, 'volume.nii.gz');
    await writeNifti(output, gridOfVolume(volume), labels(24), 'labels');
    const { volume: result, hasOrientation } = await readNifti(output);
    expect(hasOrientation).toBe(true);
    result.affine.forEach((value, i) => {
      expect(value).toBeCloseTo(affine[i] ?? 0, 5);
    });
  });
});

/** What nibabel makes of files: affine, array and spacing; and files that nibabel wrote. */
const PROGRAM = `
import json, sys
import nibabel, numpy
folder = sys.argv[1]
turn = nibabel.eulerangles.euler2mat(0.3, 0.2, 0.1)
images = {}
for cls in (nibabel.Nifti1Image, nibabel.Nifti2Image):
    for order in '<>':
        for dtype in ('u1', 'i2', 'u2', 'i4', 'f4', 'f8'):
            name = f'{cls.__name__}-{"le" if order == "<" else "be"}-{dtype}.nii.gz'
            affine = numpy.eye(4)
            affine[:3, :3] = turn @ numpy.diag([0.8, 0.7, 2.5])
            affine[:3, 3] = [-12.3, 45.6, 78.9]
            header = cls.header_class(endianness=order)
            header.set_data_dtype(numpy.dtype(dtype).newbyteorder(order))
            data = (numpy.arange(60).reshape(5, 4, 3) * 1.5 + 20).astype(dtype)
            image = cls(data, None, header)
            image.set_sform(affine, 1) if dtype != 'i2' else image.set_sform(None, 0)
            image.set_qform(affine, 1)
            if dtype in ('u1', 'u2'): image.header.set_slope_inter(0.25, -3)
            nibabel.save(image, f'{folder}/{name}')
            images[name] = None
for name in images:
    image = nibabel.load(f'{folder}/{name}')
    images[name] = dict(affine=image.affine.tolist(), spacing=[float(zoom) for zoom in image.header.get_zooms()],
                        data=numpy.asarray(image.get_fdata(), dtype='f4').ravel(order='F').tolist())
json.dump(images, sys.stdout)
`;
const COMPARE = `
import sys
import nibabel, numpy
for source, result in zip(sys.argv[1::2], sys.argv[2::2]):
    a, b = nibabel.load(source), nibabel.load(result)
    assert type(a) is type(b), result
    assert numpy.array_equal(a.affine, b.affine), result
    assert a.header.get_zooms() == b.header.get_zooms() and a.shape == b.shape, result
    for form in ('get_qform', 'get_sform'):
        (one, code), (other, same) = getattr(a, form)(coded=True), getattr(b, form)(coded=True)
        assert code == same and (one is None or numpy.array_equal(one, other)), (form, result)
    assert b.get_data_dtype() == 'f4' and numpy.array_equal(b.get_fdata().ravel(order='F'), numpy.arange(60)), result
    print('same')
`;

interface Loaded {
  readonly affine: number[][];
  readonly spacing: number[];
  readonly data: number[];
}

describeWith(['nibabel'], 'nibabel', () => {
  let expected: Record<string, Loaded>;
  const python = (...args: string[]) =>
    execFileSync(programPath('nibabel'), ['-W', 'ignore', '-c', ...args], { encoding: 'utf8' });
  beforeAll(() => {
    expected = JSON.parse(python(PROGRAM, folder));
  });

  it('writes files that are read as nibabel reads them', async () => {
    expect(Object.keys(expected)).toHaveLength(24);
    for (const [name, { affine, spacing, data }] of Object.entries(expected)) {
      const { volume } = await readNifti(path.join(folder, name));
      expect([...volume.voxels], name).toEqual(data);
      expect(volume.spacing, name).toEqual(spacing);
      affine.flat().forEach((value, i) => {
        expect(volume.affine[i], name).toBeCloseTo(i < 8 ? -value : value, 5);
      });
    }
  });

  it('reads results with the affine, spacing and codes of their input', async () => {
    const pairs: string[] = [];
    for (const name of Object.keys(expected)) {
      const source = path.join(folder, name);
      const result = path.join(folder, `result-${name}`);
      const { grid } = await readNifti(source);
      await writeNifti(
        result,
        grid,
        Float32Array.from({ length: 60 }, (_, i) => i),
        'numbers',
      );
      pairs.push(source, result);
    }
    expect(
      python(COMPARE, ...pairs)
        .trim()
        .split('\n'),
    ).toEqual(Object.keys(expected).map(() => 'same'));
  });
});

async function small(name: string): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, niftiFile());
  return file;
}
