import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createPdf } from '../../src/pictures/encapsulated-pdf.ts';
import { createPictures } from '../../src/pictures/secondary-capture.ts';
import { correctionReport } from '../../src/pipeline/run/correction-report.ts';
import { createResults } from '../../src/pipeline/run/create-results.ts';
import type { ResultSettings } from '../../src/pipeline/run/run-parts.ts';
import type { ResultObject } from '../../src/results/result-context.ts';
import { createSegmentation } from '../../src/seg/segmentation-object.ts';
import type { Model } from '../../src/segmentation/model/model-folder.ts';
import { createRejectionNote } from '../../src/sr/rejection-note.ts';
import { createReport } from '../../src/sr/report.ts';
import type { ReportInput } from '../../src/sr/report-input.ts';
import { pictureInput } from '../support/picture-fixtures.ts';
import {
  CT_MODEL,
  context,
  header,
  prior,
  reportInput,
  SEGMENTATION,
  SMALL_SIZE,
  smallMask,
  smallSeries,
} from '../support/result-fixtures.ts';

/**
 * UIDs and bytes that these inputs have always given: with another UID the archives of sites would get every
 * result a second time. What changes them on purpose raises the version of the result format.
 */
const shaOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 16);
const golden = (object: ResultObject | undefined): string =>
  object ? `${object.sopInstanceUid} ${object.seriesInstanceUid} ${shaOf(object.bytes)}` : 'none';
/** Fonts and rounding of pixels are the machine's: of pictures only the UIDs are the same everywhere. */
const uidsOf = ({ sopInstanceUid, seriesInstanceUid }: ResultObject): string =>
  `${sopInstanceUid} ${seriesInstanceUid}`;

/** Dates in the zone of the images, so that the machine's zone has no part in it. */
const ZONED = { TimezoneOffsetFromUTC: '+0100' };
const softMask = smallMask([1, 2, 3]).map((inside) => (inside ? 200 : 0));
const priors = [prior('20220105', 80), prior('20230620', 75.5), prior('20230701', 60, false)];
const supersedes = prior('20240110', 1).report;
const notice = 'synthetic demo, not for patients';

test.each(['binary', 'fractional', 'labelmap'] as const)('a SEG of the form %s stays the same', (form) => {
  expect({
    whole: golden(createSegmentation(context({ softMask }), form)),
    part: golden(createSegmentation(context({ softMask, part: 'venous' }), form)),
  }).toMatchSnapshot();
});

const reports: Record<string, Partial<ReportInput>> = {
  'found, without outlines': { outlines: false },
  'found, with outlines': {},
  'nothing found': { found: undefined, context: context({ mask: smallMask([]) }) },
  'nothing found, with priors': { found: undefined, priors, flags: ['thick-slices'] },
  'with priors': { priors, flags: ['several-components'] },
  'with priors and a repeatability coefficient': { priors, repeatabilityPercent: 7.5 },
  'with one prior, too near for a rate': { priors: [prior('20231220', 71)], repeatabilityPercent: 7.5 },
  superseding: { priors, supersedes },
  corrected: {
    supersedes,
    correction: { segmentNumber: 2, seriesInstanceUid: SEGMENTATION.seriesInstanceUid },
  },
  'of a part by a model with a notice': {
    context: context({ part: 'venous', model: { ...CT_MODEL, notice } }),
  },
  'of MR, for clinical use': {
    context: context({
      series: smallSeries({ ...ZONED, Modality: 'MR' }),
      model: { ...CT_MODEL, title: 'PanSegNet T1W', modality: 'T1W' },
      contentQualification: 'PRODUCT',
    }),
  },
};
test.each(Object.entries(reports))('a report, %s, stays the same', (_, changes) => {
  expect(golden(createReport(reportInput(changes)))).toMatchSnapshot();
});

test('pictures keep their UIDs', () => {
  const facts = { remarks: ['thick'], changes: ['smaller'], notes: ['as stated'], earlier: priors };
  const related = [{ kind: 'segmentation', ...SEGMENTATION } as const];
  for (const input of [
    pictureInput(),
    pictureInput({ ...facts, related }),
    pictureInput({ measurement: undefined }),
  ]) {
    expect([...createPictures(input), createPdf(input)].map(uidsOf)).toMatchSnapshot();
  }
});

test('a rejection note stays the same', () => {
  const rejected = [true, false].map((isImage, i) => ({
    studyInstanceUid: '1.2.840.99999.1',
    seriesInstanceUid: `2.25.${i}1`,
    sopClassUid: SEGMENTATION.sopClassUid,
    sopInstanceUid: `2.25.${i}2`,
    isImage,
  }));
  const at = { contentDateTime: new Date('2024-01-11T08:09:10Z'), softwareVersion: '0.1.0' };
  const note = { header: header(0, ZONED), rejected, ...at };
  expect([
    golden(createRejectionNote({ ...note, reason: 'quality' })),
    golden(createRejectionNote({ ...note, reason: 'safety', comment: 'another patient' })),
  ]).toMatchSnapshot();
});

describe('the results of a finding', () => {
  const settings: ResultSettings = {
    pictures: { keyImages: true, pdf: true },
    contentQualification: 'RESEARCH',
    softwareVersion: '0.1.0',
    segmentation: ['binary', 'fractional'],
    reportOutlines: true,
    correctedCounts: true,
    repeatabilityPercent: { CT: 7.5, T1W: null, T2W: null },
  };
  const measurement = {
    volumeMl: 0.0054,
    voxelCount: 3,
    volumeIntervalMl: { low: 0.005, high: 0.006 },
    components: 3,
    touchesFirstSlice: false,
    touchesLastSlice: false,
    meanIntensity: 12.5,
    sdIntensity: 3.25,
  };
  const model: Model = {
    folder: '/nowhere',
    networks: [],
    calibrations: {},
    sha256: CT_MODEL.sha256,
    info: {
      name: CT_MODEL.name,
      title: CT_MODEL.title,
      version: CT_MODEL.version,
      modality: CT_MODEL.modality,
      format: 1,
      source: {},
      architecture: 'PanSegNet',
      orientation: 'LPS',
      transposeForward: [0, 1, 2],
      spacing: [1, 1, 1],
      patchSize: [8, 8, 8],
      normalization: { scheme: 'zscore', useMaskForNorm: false },
      inference: { stepSize: 0.5, mirrorAxes: [] },
      postprocessing: { keepLargestComponent: false },
      files: {},
    },
  };
  const found = {
    source: smallSeries(ZONED),
    mask: smallMask([1, 2, 3]),
    softMask,
    measurement,
    model,
    mode: 'exact',
  } as const;
  const [nx, ny, nz] = SMALL_SIZE;
  const nothing = {
    ...found,
    mask: new Uint8Array(nx * ny * nz),
    softMask: new Uint8Array(nx * ny * nz),
    measurement: {
      ...measurement,
      volumeMl: 0,
      voxelCount: 0,
      components: 0,
      meanIntensity: undefined,
      sdIntensity: undefined,
    },
  };
  /** The times at which results were first asked for, and under which names. */
  function times() {
    const names: string[] = [];
    const firstTime = async (name: string) => {
      names.push(name);
      return new Date(Date.UTC(2024, 0, 11, 8, names.length));
    };
    return { names, firstTime };
  }
  const standing = { report: supersedes, supersedes: null };

  test.each([
    ['the first time', found, { priors: [], current: null }],
    ['with priors', { ...found, part: 'venous' }, { priors, current: null }],
    ['in place of another', found, { priors, current: standing }],
    ['where nothing was found', nothing, { priors: [], current: null }],
  ])('stay the same %s', async (_, finding, past) => {
    const { names, firstTime } = times();
    const results = await createResults(finding, past, settings, firstTime);
    const { keyImages, pdf } = results.pictures;
    expect({
      names,
      segmentations: results.segmentations.map(golden),
      report: golden(results.report),
      supersedes: results.supersedes?.sopInstanceUid,
      pictures: [...keyImages, ...(pdf ? [pdf] : [])].map(uidsOf),
    }).toMatchSnapshot();
  });

  test('made again are the same report, which supersedes what it superseded before', async () => {
    const past = { priors, current: standing };
    const first = await createResults(found, past, settings, times().firstTime);
    const { studyInstanceUid } = supersedes;
    const { seriesInstanceUid, sopInstanceUid } = first.report;
    const current = { report: { studyInstanceUid, seriesInstanceUid, sopInstanceUid }, supersedes };
    const again = await createResults(found, { priors, current }, settings, times().firstTime);
    expect(golden(again.report)).toBe(golden(first.report));
    expect(again.supersedes).toEqual(supersedes);
  });

  test("stay the same for a reader's SEG", async () => {
    const { names, firstTime } = times();
    const seg = { segmentNumber: 2, ...SEGMENTATION };
    const { report, contentDateTime } = await correctionReport(
      { ...found, softMask: undefined },
      { priors, supersedes, seg },
      settings,
      firstTime,
    );
    expect({ names, report: golden(report), contentDateTime }).toMatchSnapshot();
  });
});
