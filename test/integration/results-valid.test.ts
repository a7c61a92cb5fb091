import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { readInstance } from '../../src/dicom/dataset.ts';
import { buildVolume, type SeriesVolume } from '../../src/dicom/geometry/series-volume.ts';
import type {
  ResultContext,
  ResultObject,
  SegmentationForm,
} from '../../src/dicom/results/result-context.ts';
import { nonEmptyPlanes, unpackBits } from '../../src/dicom/seg/bit-packing.ts';
import { readSegmentation } from '../../src/dicom/seg/read-segmentation.ts';
import { createSegmentation } from '../../src/dicom/seg/segmentation-object.ts';
import { voxelVolumeMl } from '../../src/dicom/volume.ts';
import { QUALITY_FLAGS } from '../../src/sr/quality-flags.ts';
import { readReport } from '../../src/sr/read-report.ts';
import { createReport } from '../../src/sr/report.ts';
import type { ReportInput } from '../../src/sr/report-input.ts';
import { describeWith, programPath, shared } from '../support/requires.ts';
import { CT_MODEL, context, prior, reportInput, smallMask, smallSeries } from '../support/result-fixtures.ts';
import { validatorFindings } from '../support/validators.ts';

const VALIDATORS = ['dciodvfy', 'dcentvfy', 'java'] as const;

async function seriesIn(...parts: string[]): Promise<SeriesVolume> {
  const folder = shared('data', ...parts);
  const names = (await readdir(folder)).sort();
  const instances = await Promise.all(
    names.map(async (name) => readInstance(await readFile(path.join(folder, name)), name)),
  );
  return buildVolume(instances);
}

/** An ellipsoid in the middle of the grid, with one empty plane through it: something that is neither full nor even. */
function ellipsoid({ volume: { size } }: SeriesVolume): Uint8Array {
  const [nx, ny, nz] = size;
  const mask = new Uint8Array(nx * ny * nz);
  const gap = nz > 8 ? Math.floor(nz / 2) : -1;
  for (let i = 0; i < mask.length; i++) {
    const plane = Math.floor(i / (nx * ny));
    const across = (2.2 * (i % nx)) / nx - 1;
    const down = (3.1 * (Math.floor(i / nx) % ny)) / ny - 1.4;
    const along = (2.5 * plane) / nz - 1.2;
    if (plane !== gap && Math.hypot(across, down, along) < 0.5) mask[i] = 1;
  }
  return mask;
}

/** The mask, and a probability that is above one half inside of it and fades around it. */
function ellipsoids(series: SeriesVolume): { mask: Uint8Array; softMask: Uint8Array } {
  const mask = ellipsoid(series);
  const softMask = mask.map((inside, i) => (inside ? 128 + (i % 128) : mask[i - 1] || mask[i + 1] ? 60 : 0));
  return { mask, softMask };
}

const FORMS = ['binary', 'fractional', 'labelmap'] as const satisfies readonly SegmentationForm[];

function volumeMlOf({ series, mask }: ResultContext): number {
  return mask.reduce((sum, voxel) => sum + voxel, 0) * voxelVolumeMl(series.volume.affine);
}

function written(object: ResultObject | undefined): ResultObject {
  if (!object) throw new Error('nothing was written');
  return object;
}

/** The bytes with a text replaced by one of the same length. */
function replaced(bytes: Uint8Array | undefined, text: string, by: string): Uint8Array {
  const copy = Buffer.from(bytes ?? []);
  const place = copy.indexOf(text);
  expect(place).toBeGreaterThan(0);
  copy.write(by, place);
  return copy;
}

type Kind = 'first' | 'followUp' | 'nothingFound';

/** The SEG of a series, and reports: the first, a follow-up with every flag, and where nothing was found. */
function results(given: ResultContext, kinds: readonly Kind[]): Record<string, Uint8Array> {
  const segmentation = written(createSegmentation(given));
  const volumeMl = volumeMlOf(given);
  const measurement = {
    volumeMl,
    voxelCount: given.mask.reduce((sum, voxel) => sum + voxel, 0),
    volumeIntervalMl: { low: 0.9 * volumeMl, high: 1.2 * volumeMl },
    meanIntensity: 42.5,
    sdIntensity: 18.25,
  };
  const found = { segmentation, measurement };
  const priors = [prior('20210304', 88.125), prior('20220304', 80), prior('20230304', 75, false)];
  const changes: Record<Kind, Partial<ReportInput>> = {
    first: { found },
    followUp: {
      found,
      priors,
      repeatabilityPercent: 9.5,
      flags: QUALITY_FLAGS.filter((flag) => flag !== 'nothing-found'),
      supersedes: prior('20240110', 79).report,
    },
    nothingFound: { found: undefined, priors },
  };
  const reports = kinds.map((kind) => [
    kind,
    createReport(reportInput({ context: given, ...changes[kind] })).bytes,
  ]);
  return { seg: segmentation.bytes, ...Object.fromEntries(reports) };
}

describeWith(VALIDATORS, 'results of a synthetic series', () => {
  test('the validators find nothing where a source has the least that it may have', async () => {
    const least = smallSeries({
      PatientName: undefined,
      PatientBirthDate: undefined,
      PatientSex: undefined,
      PatientAge: '0Y',
      StudyDate: undefined,
      StudyTime: undefined,
      StudyID: undefined,
      AccessionNumber: undefined,
      ReferringPhysicianName: undefined,
      SeriesNumber: undefined,
      FrameOfReferenceUID: undefined,
      SliceThickness: '0',
      ClinicalTrialSponsorName: '',
    });
    const given = context({ series: least, mask: smallMask([1, 2, 4]) });
    expect(await validatorFindings(results(given, ['followUp']))).toEqual([]);
  });

  test('the validators do find what is wrong: a wrong term, a wrong meaning, a patient with two names', async () => {
    const { seg, first } = results(context(), ['first']);
    const model = { ...CT_MODEL, mode: 'fast' } as const;
    const renamed = context({ model, series: smallSeries({ PatientName: 'Doe^John' }) });
    const { seg: other = Uint8Array.of() } = results(renamed, []);
    const files = {
      seg: replaced(seg, 'DERIVED\\PRIMARY', 'DERIVED\\WRONGLY'),
      first: replaced(first, 'Tracking Unique Identifier', 'tracking Unique Identifier'),
      other,
    };
    const findings = (await validatorFindings(files)).join('\n');
    expect(findings).toMatch(/dciodvfy seg: (Error|Warning)/);
    expect(findings).toMatch(/DicomSRValidator first: Warning/);
    expect(findings).toMatch(/dcentvfy: Error.*PatientName/);
  });
});

describeWith([...VALIDATORS, 'shared'], 'results of real series', () => {
  let ct: ResultContext;
  let mr: ResultContext;
  beforeAll(async () => {
    const ctSeries = await seriesIn('ct-abdomen', 'ct');
    const mrSeries = await seriesIn('volumes', 'anatomical', '001');
    const mrModel = {
      ...CT_MODEL,
      name: 'demo-t1w',
      title: 'PanSegNet T1W',
      notice: 'synthetic demo, not for patients',
    };
    ct = context({ series: ctSeries, ...ellipsoids(ctSeries) });
    mr = context({ series: mrSeries, ...ellipsoids(mrSeries), model: mrModel });
  });

  // dciodvfy of 2022 knows no label map: pydicom and DCMTK below read it.
  test.each(['binary', 'fractional'] as const)(
    'the validators find nothing in a %s SEG of a CT',
    async (form) => {
      const seg = written(createSegmentation(ct, form));
      expect(await validatorFindings({ seg: seg.bytes })).toEqual([]);
    },
  );

  test('the validators find nothing in SEG and reports of a CT', async () => {
    expect(await validatorFindings(results(ct, ['first', 'followUp', 'nothingFound']))).toEqual([]);
  });

  test('the validators find nothing in SEG and reports of an MR', async () => {
    expect(await validatorFindings(results(mr, ['followUp']))).toEqual([]);
  });

  test.each(FORMS)('a %s SEG reads back as the same mask', (form) => {
    for (const given of [ct, mr]) {
      const { bytes } = written(createSegmentation(given, form));
      expect(Buffer.from(readSegmentation(bytes, given.series)).equals(given.mask)).toBe(true);
    }
  });

  test('SEG and report read back as the same mask and the same volume', () => {
    for (const given of [ct, mr]) {
      const { seg = Uint8Array.of(), first = Uint8Array.of() } = results(given, ['first']);
      expect(Buffer.from(readSegmentation(seg, given.series)).equals(given.mask)).toBe(true);
      expect(readReport(first)?.volumeMl).toBeCloseTo(volumeMlOf(given), 6);
    }
  });

  test('a SEG is hardly larger than its bits', () => {
    const { seg = Uint8Array.of() } = results(ct, []);
    const [columns, rows] = ct.series.volume.size;
    const frames = Number(readInstance(seg, 'SEG').dataset['NumberOfFrames']);
    const most =
      (1.05 * frames * rows * columns) / 8 + 1000 * frames + 300 * ct.series.slices.length + 50_000;
    expect(seg.length).toBeLessThan(most);
  });
});

const Frames = z.array(
  z.object({
    position: z.array(z.number()),
    orientation: z.array(z.number()),
    source: z.string(),
    runs: z.array(z.tuple([z.number(), z.number()])),
  }),
);

describeWith(['python3', 'shared'], 'pydicom', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'pansegnet-pydicom-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  const sources = [
    ['CT', ['ct-abdomen', 'ct']],
    ['MR', ['volumes', 'anatomical', '001']],
  ] as const;
  test.each(FORMS.flatMap((form) => sources.map(([modality, parts]) => ({ form, modality, parts }))))(
    'reads the same mask from the $form SEG of a $modality, on the source slices',
    async ({ form, parts }) => {
      const series = await seriesIn(...parts);
      const { mask, softMask } = ellipsoids(series);
      const file = path.join(folder, `${form}.dcm`);
      await writeFile(file, written(createSegmentation(context({ series, mask, softMask }), form)).bytes);
      const script = path.join(import.meta.dirname, '../support/segmentation-voxels.py');
      const { stdout } = await promisify(execFile)(programPath('python3'), [script, file], {
        maxBuffer: 2 ** 28,
      });
      const read = new Uint8Array(mask.length);
      const planeLength = series.volume.size[0] * series.volume.size[1];
      for (const { source, position, runs } of Frames.parse(JSON.parse(stdout))) {
        const plane = series.slices.findIndex((slice) => slice.sopInstanceUid === source);
        const { affine } = series.volume;
        const expected = [0, 4, 8].map((row) => (affine[row + 2] ?? 0) * plane + (affine[row + 3] ?? 0));
        expect(position.every((value, axis) => Math.abs(value - (expected[axis] ?? 0)) < 0.01)).toBe(true);
        for (const [start, end] of runs) read.fill(1, plane * planeLength + start, plane * planeLength + end);
      }
      expect(Buffer.from(read).equals(mask)).toBe(true);
    },
  );
});

describeWith(['dcmdump', 'shared'], 'DCMTK', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'pansegnet-dcmtk-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  const dump = async (name: string, bytes: Uint8Array, ...options: string[]): Promise<string> => {
    const file = path.join(folder, name);
    await writeFile(file, bytes);
    const { stdout } = await promisify(execFile)(programPath('dcmdump'), [...options, file], {
      maxBuffer: 2 ** 28,
    });
    return stdout;
  };

  test.each(FORMS)('gives the pixels of a %s SEG as they were written', async (form) => {
    const series = await seriesIn('volumes', 'anatomical', '001');
    const { mask, softMask } = ellipsoids(series);
    await dump(
      form,
      written(createSegmentation(context({ series, mask, softMask }), form)).bytes,
      '--write-pixel',
      folder,
      '--search',
      'PixelData',
    );
    const raw = await readFile(path.join(folder, `${form}.0.raw`));
    const { size } = series.volume;
    const planes = nonEmptyPlanes(form === 'fractional' ? softMask : mask, size[0] * size[1]);
    const voxels = planes.flatMap((plane) => [
      ...(form === 'fractional' ? softMask : mask).subarray(
        plane * size[0] * size[1],
        (plane + 1) * size[0] * size[1],
      ),
    ]);
    const stored = form === 'binary' ? unpackBits(raw, 0, voxels.length) : raw.subarray(0, voxels.length);
    expect(Buffer.from(stored).equals(Uint8Array.from(voxels))).toBe(true);
  });

  test('reads the same volume from the report, to 0.01 ml', async () => {
    const series = await seriesIn('ct-abdomen', 'ct');
    const given = context({ series, mask: ellipsoid(series) });
    const { first = Uint8Array.of() } = results(given, ['first']);
    const values = /\(0040,a30a\) DS \[?([0-9.]+)/;
    const lines = (await dump('report', first, '--print-all')).split('\n');
    const volume = lines.findIndex((line) => line.includes('[118565006]'));
    const value = values.exec(lines.slice(volume).find((line) => values.test(line)) ?? '')?.[1];
    expect(Number(value)).toBeCloseTo(volumeMlOf(given), 2);
  });
});
