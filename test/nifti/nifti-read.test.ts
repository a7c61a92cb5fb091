import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NiftiErrorCode } from '../../src/nifti/nifti-error.ts';
import { type NiftiImage, readNifti } from '../../src/nifti/read-nifti.ts';
import { NIFTI_TYPES, type NiftiFile, type NiftiType, niftiFile } from '../support/nifti-file.ts';

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nifti-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function written(bytes: Uint8Array, ending = '.nii'): Promise<string> {
  const file = path.join(folder, `image-${count++}${ending}`);
  await writeFile(file, bytes);
  return file;
}

async function read(bytes: Uint8Array, ending?: string): Promise<NiftiImage> {
  return readNifti(await written(bytes, ending));
}

const TYPES = Object.keys(NIFTI_TYPES).filter((type): type is NiftiType => type in NIFTI_TYPES);
const FORMS = ([1, 2] as const).flatMap((version) =>
  [true, false].flatMap((littleEndian) => TYPES.map((type) => ({ version, littleEndian, type }))),
);

/** Values that each type can hold, its limits among them. */
const VALUES: Readonly<Record<NiftiType, readonly number[]>> = {
  uint8: [0, 1, 255],
  int8: [-128, 0, 127],
  int16: [-32768, -1024, 32767],
  uint16: [0, 1024, 65535],
  int32: [-(2 ** 31), -1024, 2 ** 24],
  uint32: [0, 7, 2 ** 32 - 2 ** 8],
  int64: [-(2 ** 40), -5, 2 ** 40],
  uint64: [0, 5, 2 ** 50],
  float32: [-1.5, Math.fround(0.1), 3e38],
  float64: [-1.5, Math.fround(0.1), 1e-30],
};

describe('the voxels of a NIfTI file', () => {
  it.each(FORMS)(
    'are read in every datatype, byte order and version: $type $littleEndian $version',
    async (form) => {
      const values = VALUES[form.type];
      const { volume } = await read(niftiFile({ ...form, dims: [3, 1, 1], values }));
      expect([...volume.voxels]).toEqual(values.map((value) => Math.fround(value)));
      expect(volume.size).toEqual([3, 1, 1]);
    },
  );

  it.each(FORMS)('are scaled by slope and intercept: $type $littleEndian $version', async (form) => {
    const values = VALUES[form.type].slice(0, 2);
    const { volume } = await read(
      niftiFile({ ...form, dims: [2, 1, 1], values, slope: 0.5, intercept: -1024 }),
    );
    expect(volume.voxels).toBeInstanceOf(Float32Array);
    expect([...volume.voxels]).toEqual(values.map((value) => Math.fround(0.5 * value - 1024)));
  });

  it('are scaled by an intercept alone, and by a slope alone', async () => {
    const shifted = await read(niftiFile({ type: 'uint16', intercept: -1024 }));
    expect([...shifted.volume.voxels.subarray(0, 3)]).toEqual([-1024, -1023, -1022]);
    const stretched = await read(niftiFile({ type: 'uint16', slope: -2 }));
    expect([...stretched.volume.voxels.subarray(1, 3)]).toEqual([-2, -4]);
  });

  it('keep their type where a volume may have it, in memory that threads share', async () => {
    const kinds = await Promise.all(
      TYPES.map(async (type) => (await read(niftiFile({ type }))).volume.voxels),
    );
    expect(Object.fromEntries(TYPES.map((type, i) => [type, kinds[i]?.constructor.name]))).toEqual({
      uint8: 'Uint8Array',
      int8: 'Int16Array',
      int16: 'Int16Array',
      uint16: 'Uint16Array',
      int32: 'Float32Array',
      uint32: 'Float32Array',
      int64: 'Float32Array',
      uint64: 'Float32Array',
      float32: 'Float32Array',
      float64: 'Float32Array',
    });
    expect(kinds.map(({ buffer }) => buffer.constructor.name)).toEqual(TYPES.map(() => 'SharedArrayBuffer'));
  });

  it.each([0, Number.NaN, Number.POSITIVE_INFINITY])(
    'stay as stored where the slope is %s',
    async (slope) => {
      for (const intercept of [0, Number.NaN]) {
        const { volume } = await read(niftiFile({ slope, intercept }));
        expect([...volume.voxels.subarray(0, 3)]).toEqual([0, 1, 2]);
        expect(volume.voxels).toBeInstanceOf(Int16Array);
      }
    },
  );

  it('that are NaN are counted in a warning', async () => {
    const values = [1, Number.NaN, 3, Number.NaN];
    const { volume, warnings } = await read(niftiFile({ type: 'float32', dims: [2, 2, 1], values }));
    expect(warnings).toEqual(['2 voxels are NaN and count as 0, as in nnU-Net']);
    expect([...volume.voxels]).toEqual(values);
  });

  it('come the same from a gzipped file, whatever its name, in one piece or several', async () => {
    const bytes = niftiFile({ dims: [40, 30, 20] });
    const plain = await read(bytes);
    const pieces = Buffer.concat([gzipSync(bytes.subarray(0, 5000)), gzipSync(bytes.subarray(5000))]);
    for (const packed of [gzipSync(bytes), pieces]) {
      for (const ending of ['.nii.gz', '.nii'])
        expect((await read(packed, ending)).volume).toEqual(plain.volume);
    }
    expect((await read(bytes, '.nii.gz')).volume).toEqual(plain.volume);
  });

  it('are found behind header extensions, and before some padding', async () => {
    for (const version of [1, 2] as const) {
      const plain = await read(niftiFile({ version }));
      const extended = niftiFile({ version, extension: 4096 });
      expect((await read(Buffer.concat([extended, Buffer.alloc(512)]))).volume).toEqual(plain.volume);
    }
  });

  it('may be one volume of a file with more axes', async () => {
    const { volume } = await read(niftiFile({ dims: [4, 3, 2, 1, 1] }));
    expect(volume.size).toEqual([4, 3, 2]);
  });
});

describe('the geometry of a NIfTI file', () => {
  const affineOf = async (options: NiftiFile) => (await read(niftiFile(options))).volume.affine;
  const close = (expected: readonly number[]) => expected.map((value): unknown => expect.closeTo(value, 5));

  it('is the sform, from RAS to LPS', async () => {
    const sform = [-2, 0, 0, 100, 0, 3, 0, -50, 0, 0, 4, 7];
    const options = { pixdim: [1, 2, 3, 4], sform };
    expect(await affineOf(options)).toEqual(
      [2, 0, 0, -100, 0, -3, 0, 50, 0, 0, 4, 7, 0, 0, 0, 1].map(zeroless),
    );
  });

  it('is the qform where there is no sform, with pixdim[0] as the sense of z', async () => {
    // b = 1: half a turn around x, so that y and z point backwards; qfac -1 turns z again.
    const options = { qformCode: 1, sformCode: 0, qform: [1, 0, 0, 5, 6, 7], pixdim: [-1, 0.5, 0.75, 2] };
    expect(await affineOf(options)).toEqual(close([-0.5, 0, 0, -5, 0, 0.75, 0, -6, 0, 0, 2, 7, 0, 0, 0, 1]));
    const unsaid = { ...options, pixdim: [0, 0.5, 0.75, 2] };
    expect(await affineOf(unsaid)).toEqual(close([-0.5, 0, 0, -5, 0, 0.75, 0, -6, 0, 0, -2, 7, 0, 0, 0, 1]));
  });

  it('takes the sform where both are there, and warns where they differ in orientation', async () => {
    const both = { qformCode: 2, sformCode: 1, qform: [0, 0, 0, 10, 20, 30] };
    expect((await read(niftiFile(both))).warnings).toEqual([]);
    const turned = await read(niftiFile({ ...both, qform: [0, 0, 1, 10, 20, 30] }));
    expect(turned.warnings).toEqual(['qform and sform give different orientations: the sform was taken']);
    expect(turned.volume.affine[0]).toBe(-0.5);
  });

  it('is unknown where both codes are 0, and says so', async () => {
    const image = await read(niftiFile({ sformCode: 0 }));
    expect(image.hasOrientation).toBe(false);
    expect(image.warnings).toHaveLength(1);
    expect(image.volume.affine).toEqual([0.5, 0, 0, 0, 0, 0.75, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]);
  });

  it('has its spacing from pixdim to the bit, also where the axes are oblique', async () => {
    const [c, s] = [Math.cos(0.3), Math.sin(0.3)];
    const [dx, dy, dz] = [Math.fround(0.8), Math.fround(0.8), 3];
    const sform = [dx * c, -dy * s, 0, 0, dx * s, dy * c, 0, 0, 0, 0, dz, 0];
    const { volume } = await read(niftiFile({ pixdim: [1, dx, dy, dz], sform }));
    expect(volume.spacing).toEqual([dx, dy, dz]);
    expect(volume.affine.slice(0, 8)).toEqual(close(sform.slice(0, 8).map((value) => -value)));
  });

  it.each([
    ['meters', 1, 0.001],
    ['millimeters', 2, 1],
    ['microns', 3, 1000],
    ['no unit, taken for millimeters', 0, 1],
    ['millimeters and seconds', 10, 1],
  ])('is in mm for a file in %s', async (_name, units, perMm) => {
    const lengths = [1, 2, 3].map((length) => length * perMm);
    const [dx = 0, dy = 0, dz = 0] = lengths;
    const sform = [dx, 0, 0, 40 * perMm, 0, dy, 0, 0, 0, 0, dz, 0];
    const { volume } = await read(niftiFile({ units, pixdim: [1, ...lengths], sform }));
    expect(volume.spacing).toEqual(close([1, 2, 3]));
    expect(volume.affine.slice(0, 4)).toEqual(close([-1, 0, 0, -40]));
  });
});

describe('a NIfTI file that cannot be used is refused', () => {
  const whole = niftiFile();
  const edited = (offset: number, ...bytes: number[]): Buffer => {
    const copy = Buffer.from(whole);
    copy.set(bytes, offset);
    return copy;
  };
  const wide = { dims: [512, 512, 512] };
  const CASES: readonly [name: string, bytes: Uint8Array, code: NiftiErrorCode, words: RegExp][] = [
    ['nothing in it', Buffer.alloc(0), 'NIFTI_FORMAT', /0 bytes/],
    ['something else in it', Buffer.alloc(1000, 'a'), 'NIFTI_FORMAT', /is not a NIfTI file/],
    ['something else, gzipped', gzipSync(Buffer.alloc(1000, 'a')), 'NIFTI_FORMAT', /is not a NIfTI file/],
    ['half of a pair', edited(344, 0x6e, 0x69, 0x31), 'NIFTI_FORMAT', /\.hdr, \.img/],
    ['ANALYZE', edited(344, 0, 0, 0), 'NIFTI_FORMAT', /ANALYZE/],
    ['voxels inside the header', edited(108, 0, 0, 0, 0), 'NIFTI_FORMAT', /vox_offset is 0/],
    ['no dimensions', edited(40, 0, 0), 'NIFTI_DIMENSIONS', /dim\[0\] is 0/],
    ['two dimensions', niftiFile({ dims: [4, 3] }), 'NIFTI_DIMENSIONS', /2 dimensions/],
    ['several volumes', niftiFile({ dims: [4, 3, 2, 5] }), 'NIFTI_DIMENSIONS', /several volumes/],
    ['vectors', niftiFile({ dims: [4, 3, 2, 1, 3] }), 'NIFTI_DIMENSIONS', /several volumes/],
    ['a size below 1', niftiFile({ dims: [4, 0, 2] }), 'NIFTI_DIMENSIONS', /4 x 0 x 2/],
    ['a size below 0', niftiFile({ dims: [4, -3, -2], values: [] }), 'NIFTI_DIMENSIONS', /4 x -3 x -2/],
    [
      'a size beyond reason',
      niftiFile({ dims: [9999, 9999, 999], values: [] }),
      'NIFTI_DIMENSIONS',
      /no more/,
    ],
    ['RGB', edited(70, 128, 0), 'NIFTI_DATATYPE', /RGB/],
    ['complex numbers', edited(70, 32, 0), 'NIFTI_DATATYPE', /complex/],
    ['an unknown datatype', edited(70, 3, 0), 'NIFTI_DATATYPE', /datatype 3/],
    ['an intercept without slope', niftiFile({ slope: 0, intercept: 5 }), 'NIFTI_SCALING', /scl_inter is 5/],
    ['an endless intercept', niftiFile({ intercept: Number.NaN }), 'NIFTI_SCALING', /scl_inter is NaN/],
    ['no spacing', niftiFile({ pixdim: [1, 0, 1, 1] }), 'NIFTI_GEOMETRY', /0 x 1 x 1 mm/],
    ['a spacing below 0', niftiFile({ pixdim: [1, -1, 1, 1] }), 'NIFTI_GEOMETRY', /-1 x 1 x 1 mm/],
    ['a spacing that is no number', niftiFile({ pixdim: [1, Number.NaN, 1, 1] }), 'NIFTI_GEOMETRY', /NaN/],
    ['millimeters called meters', niftiFile({ units: 1 }), 'NIFTI_GEOMETRY', /500 x 750 x 2000 mm/],
    ['an unknown unit', niftiFile({ units: 5 }), 'NIFTI_GEOMETRY', /xyzt_units is 5/],
    [
      'an sform that contradicts pixdim',
      niftiFile({ pixdim: [1, 1, 1, 2], sform: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2.5, 0] }),
      'NIFTI_GEOMETRY',
      /2\.5.* mm by its sform, .*2\.0.* mm by pixdim/,
    ],
    [
      'axes in one plane',
      niftiFile({ pixdim: [1, 1, 1, 1], sform: [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0] }),
      'NIFTI_GEOMETRY',
      /one plane/,
    ],
    [
      'an sform without numbers',
      niftiFile({ sform: [0.5, 0, 0, Number.NaN, 0, 0.75, 0, 0, 0, 0, 2, 0] }),
      'NIFTI_GEOMETRY',
      /no numbers/,
    ],
    ['its last byte missing', whole.subarray(0, -1), 'NIFTI_DAMAGED', /cut off.*48 bytes/],
    ['its last byte missing, gzipped', gzipSync(whole.subarray(0, -1)), 'NIFTI_DAMAGED', /cut off.*47 found/],
    ['its voxels missing', whole.subarray(0, 352), 'NIFTI_DAMAGED', /cut off/],
    ['half of its header missing', whole.subarray(0, 200), 'NIFTI_FORMAT', /200 bytes/],
    [
      'half of its gzip missing',
      halfOf(gzipSync(niftiFile({ dims: [50, 50, 5] }))),
      'NIFTI_DAMAGED',
      /cut off/,
    ],
    ['a wrong gzip checksum', wrongChecksum(gzipSync(whole)), 'NIFTI_DAMAGED', /damaged/],
    [
      'a size that its few bytes cannot fill',
      niftiFile({ ...wide, values: [] }),
      'NIFTI_DAMAGED',
      /can hold/,
    ],
    [
      'a size that its few gzipped bytes cannot fill',
      gzipSync(niftiFile({ ...wide, values: [1, 2, 3] })),
      'NIFTI_DAMAGED',
      /can hold/,
    ],
    [
      'a gzip bomb behind its voxels',
      Buffer.concat([gzipSync(whole), gzipSync(Buffer.alloc(2 ** 26))]),
      'NIFTI_DAMAGED',
      /goes on after the 4 x 3 x 2 voxels/,
    ],
  ];

  it.each(CASES)('with %s', async (_name, bytes, code, words) => {
    const file = await written(bytes);
    await expect(readNifti(file)).rejects.toMatchObject({
      name: 'NiftiError',
      code,
      message: expect.stringMatching(words),
    });
    await expect(readNifti(file)).rejects.toThrow(path.basename(file));
  });

  it('that is not there, or is a folder', async () => {
    for (const file of [path.join(folder, 'absent.nii'), folder]) {
      await expect(readNifti(file)).rejects.toMatchObject({ code: 'NIFTI_UNREADABLE' });
      await expect(readNifti(file)).rejects.toThrow(file);
    }
  });

  it('with a byte changed anywhere in its compressed voxels', async () => {
    const noise = Array.from({ length: 2000 }, (_, i) => (i * 7919) % 4096);
    const packed = gzipSync(niftiFile({ dims: [20, 20, 5], values: noise }));
    for (let at = 400; at < packed.length; at += 97) {
      const damaged = Buffer.from(packed);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      await expect(read(damaged)).rejects.toMatchObject({ code: 'NIFTI_DAMAGED' });
    }
  });
});

/** -0 and 0 are the same place. */
const zeroless = (value: number): number | object => (value === 0 ? expect.closeTo(0, 9) : value);

function halfOf(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.length / 2);
}

/** The last eight bytes are checksum and length (RFC 1952). */
function wrongChecksum(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const at = copy.length - 8;
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
