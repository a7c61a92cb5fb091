import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readInstance } from '../../src/dicom/reading/dataset.ts';
import { voxelVolumeMl } from '../../src/dicom/volume.ts';
import { QUALITY_FLAGS } from '../../src/results/quality-flags.ts';
import type { ResultContext, ResultObject } from '../../src/results/result-context.ts';
import { readSegmentation } from '../../src/seg/read-segmentation.ts';
import { createSegmentation } from '../../src/seg/segmentation-object.ts';
import { readReport } from '../../src/sr/read-report.ts';
import { createReport } from '../../src/sr/report.ts';
import type { ReportInput } from '../../src/sr/report-input.ts';
import { ellipsoid, ellipsoids, sharedSeries } from '../support/ellipsoid-masks.ts';
import { describeWith, programPath } from '../support/requires.ts';
import {
  CT_MODEL,
  context,
  prior,
  reportInput,
  SEGMENTATION,
  SMALL_SIZE,
  smallMask,
  smallSeries,
} from '../support/result-fixtures.ts';
import { validatorFindings } from '../support/validators.ts';

const VALIDATORS = ['dciodvfy', 'dcentvfy', 'java'] as const;

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

type Kind =
  | 'first'
  | 'followUp'
  | 'corrected'
  | 'oneGroup'
  | 'threeD'
  | 'otherForms'
  | 'today'
  | 'nothingFound'
  | 'nothingInWords';

/** The SEG of a series, and reports: see the kinds. A follow-up has every flag. */
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
    corrected: {
      found,
      correction: {
        segmentNumber: 1,
        seriesInstanceUid: segmentation.seriesInstanceUid,
        reader: 'Roe^Rita',
      },
      supersedes: prior('20240110', 79).report,
    },
    oneGroup: { found, outlines: false },
    threeD: { found, priors, form: { reportClass: 'comprehensive3d', volumeUnit: 'cm3' } },
    otherForms: { found, otherSegmentations: [{ ...SEGMENTATION, sopInstanceUid: '2.25.21' }] },
    today: { found, form: { templates: 'current' } },
    nothingFound: { found: undefined, priors, flags: ['lossy-source', 'thick-slices'] },
    nothingInWords: { found: undefined, priors, form: { nothingFound: 'words' } },
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
    expect(await validatorFindings(results(given, ['followUp', 'nothingFound']))).toEqual([]);
  });

  test('the validators find nothing where the images name order and scanner, and the site itself', async () => {
    const series = smallSeries({
      Manufacturer: 'Scanner Works',
      ManufacturerModelName: 'Scan 1',
      StationName: 'CT1',
      InstitutionName: 'Example Hospital',
      PlacerOrderNumberImagingServiceRequest: 'P-1',
      FillerOrderNumberImagingServiceRequest: 'F-1',
      IssuerOfAccessionNumberSequence: [{ UniversalEntityID: '1.2.3', UniversalEntityIDType: 'ISO' }],
      RequestAttributesSequence: [
        {
          RequestedProcedureID: 'RP1',
          RequestedProcedureDescription: 'CT abdomen',
          ScheduledProcedureStepID: 'SPS1',
          AccessionNumber: 'A1',
        },
      ],
      ProcedureCodeSequence: [
        { CodeValue: '36424-0', CodingSchemeDesignator: 'LN', CodeMeaning: 'CT Abdomen' },
      ],
    });
    const site = { institution: 'Example Hospital', stationName: 'AI1', deviceSerialNumber: 'one' };
    const kinds = ['followUp', 'threeD', 'otherForms', 'nothingFound', 'nothingInWords'] as const;
    expect(await validatorFindings(results(context({ series, ...site }), kinds))).toEqual([]);
  });

  test('the validators find nothing where the pancreas has one outline alone, or one pixel', async () => {
    const [width, height, planes] = SMALL_SIZE;
    for (const pixels of [[16], [16, 17, 23]]) {
      const mask = new Uint8Array(width * height * planes);
      for (const pixel of pixels) mask[2 * width * height + pixel] = 1;
      expect(await validatorFindings(results(context({ mask }), ['first']))).toEqual([]);
    }
  });

  test('only what PixelMed of 2022 does not know is found in a report after the templates of today', async () => {
    const findings = await validatorFindings(results(context(), ['today']));
    const unknown =
      /^DicomSRValidator today: .*(Content Item not in template|context group 4031|found HAS PROPERTIES)/;
    expect(findings.filter((finding) => !unknown.test(finding))).toEqual([]);
    expect(findings.length).toBeGreaterThan(0);
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
    const ctSeries = await sharedSeries('ct-abdomen', 'ct');
    const mrSeries = await sharedSeries('volumes', 'anatomical', '001');
    const mrModel = {
      ...CT_MODEL,
      name: 'demo-t1w',
      title: 'PanSegNet T1W',
      notice: 'synthetic demo, not for patients',
    };
    ct = context({ series: ctSeries, ...ellipsoids(ctSeries) });
    mr = context({ series: mrSeries, ...ellipsoids(mrSeries), model: mrModel });
  });

  // dciodvfy of 2022 knows no label map: pydicom and DCMTK read it (segmentation-readers.test.ts).
  test.each(['binary', 'fractional'] as const)(
    'the validators find nothing in a %s SEG of a CT and of an MR',
    async (form) => {
      for (const given of [ct, mr]) {
        const seg = written(createSegmentation(given, form));
        expect(await validatorFindings({ seg: seg.bytes })).toEqual([]);
      }
    },
  );

  test('the validators find nothing in SEG and reports of a CT', async () => {
    expect(await validatorFindings(results(ct, ['first', 'followUp', 'corrected', 'nothingFound']))).toEqual(
      [],
    );
  });

  test('the validators find nothing in SEG and reports of an MR', async () => {
    expect(await validatorFindings(results(mr, ['first', 'followUp', 'oneGroup', 'nothingFound']))).toEqual(
      [],
    );
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

  test('reads the same volume from the report, to 0.01 ml', async () => {
    const series = await sharedSeries('ct-abdomen', 'ct');
    const given = context({ series, mask: ellipsoid(series) });
    const { first = Uint8Array.of() } = results(given, ['first']);
    const values = /\(0040,a30a\) DS \[?([0-9.]+)/;
    const lines = (await dump('report', first, '--print-all')).split('\n');
    const volume = lines.findIndex((line) => line.includes('[118565006]'));
    const value = values.exec(lines.slice(volume).find((line) => values.test(line)) ?? '')?.[1];
    expect(Number(value)).toBeCloseTo(volumeMlOf(given), 2);
  });
});

describeWith(['gdcmdump', 'gdcmraw'], 'GDCM', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'pansegnet-gdcm-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  const stored = async (name: string, bytes: Uint8Array): Promise<string> => {
    const file = path.join(folder, name);
    await writeFile(file, bytes);
    return file;
  };

  test('reads the volume of a report, and that nothing was found from another', async () => {
    const { first, nothingFound } = results(context(), ['first', 'nothingFound']);
    const dumped = async (bytes: Uint8Array | undefined) => {
      const file = await stored('report', bytes ?? Uint8Array.of());
      const { stdout } = await promisify(execFile)(programPath('gdcmdump'), [file], { maxBuffer: 2 ** 28 });
      return stdout;
    };
    const volume = /118565006[^]*?\(0040,a30a\) DS \[([0-9.]+)/.exec(await dumped(first))?.[1];
    expect(Number(volume)).toBeCloseTo(volumeMlOf(context()), 2);
    expect(await dumped(nothingFound)).toMatch(/LO \[Finding ?\][^]*?LO \[Not visualized ?\]/);
  });

  test('reads the bits of a SEG as they were written', async () => {
    const { seg = Uint8Array.of() } = results(context(), []);
    const raw = path.join(folder, 'raw');
    await promisify(execFile)(programPath('gdcmraw'), ['-i', await stored('seg', seg), '-o', raw]);
    const bits = await readFile(raw);
    expect(bits.some((byte) => byte !== 0)).toBe(true);
    expect(Buffer.from(seg).indexOf(bits)).toBeGreaterThan(0);
  });
});
