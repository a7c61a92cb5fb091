import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createPdf } from '../../src/pictures/encapsulated-pdf.ts';
import type { PictureInput } from '../../src/pictures/picture-input.ts';
import { createPictures } from '../../src/pictures/secondary-capture.ts';
import { correctionReport } from '../../src/pipeline/run/correction-report.ts';
import { createResults } from '../../src/pipeline/run/create-results.ts';
import type { ResultSettings } from '../../src/pipeline/run/run-parts.ts';
import type { ResultObject } from '../../src/results/result-context.ts';
import { RESULT_FORMATS, type ResultFormat } from '../../src/results/result-format.ts';
import { createSegmentation } from '../../src/seg/segmentation-object.ts';
import type { Model } from '../../src/segmentation/model/model-folder.ts';
import { createRejectionNote } from '../../src/sr/rejection-note.ts';
import { createReport } from '../../src/sr/report.ts';
import type { ReportForm } from '../../src/sr/report-form.ts';
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

/** Every format with what stands behind the names of its tests: the first one had none. */
const FORMATS = RESULT_FORMATS.map((format) => ({
  format,
  as: format === '3' ? '' : ` in format ${format}`,
}));
const FORMS = ['binary', 'fractional', 'labelmap'] as const;

test.each(FORMATS.flatMap((one) => FORMS.map((form) => ({ ...one, form }))))(
  'a SEG of the form $form stays the same$as',
  ({ form, format }) => {
    expect({
      whole: golden(createSegmentation(context({ format, softMask }), form)),
      part: golden(createSegmentation(context({ format, softMask, part: 'venous' }), form)),
    }).toMatchSnapshot();
  },
);

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
const reportCases = FORMATS.flatMap(({ format, as }) =>
  Object.entries(reports).map(([name, changes]) => [name, as, changes, format] as const),
);
test.each(reportCases)('a report, %s, stays the same%s', (_, _as, changes, format) => {
  const given = reportInput(changes);
  expect(golden(createReport({ ...given, context: { ...given.context, format } }))).toMatchSnapshot();
});

/** What a site may choose of a report since format 4. */
const forms: Record<string, Partial<ReportForm>> = {
  '3-D': { reportClass: 'comprehensive3d' },
  'after the templates of today': { templates: 'current', volumeUnit: 'cm3' },
  'in words': { nothingFound: 'words' },
};
test.each(Object.entries(forms))('a report %s stays the same', (_, form) => {
  expect([
    golden(createReport(reportInput({ form, priors, flags: ['several-components'], supersedes }))),
    golden(createReport(reportInput({ form, found: undefined }))),
  ]).toMatchSnapshot();
});

test.each(FORMATS)('pictures keep their UIDs$as', ({ format }) => {
  const inFormat = (input: PictureInput) => ({ ...input, context: { ...input.context, format } });
  const facts = { remarks: ['thick'], changes: ['smaller'], notes: ['as stated'], earlier: priors };
  const related = [{ kind: 'segmentation', ...SEGMENTATION } as const];
  for (const input of [
    pictureInput(),
    pictureInput({ ...facts, related }),
    pictureInput({ measurement: undefined }),
  ]) {
    const given = inFormat(input);
    expect([...createPictures(given), createPdf(given)].map(uidsOf)).toMatchSnapshot();
  }
});

test.each(FORMATS)('a rejection note stays the same$as', ({ format }) => {
  const rejected = [true, false].map((isImage, i) => ({
    studyInstanceUid: '1.2.840.99999.1',
    seriesInstanceUid: `2.25.${i}1`,
    sopClassUid: SEGMENTATION.sopClassUid,
    sopInstanceUid: `2.25.${i}2`,
    isImage,
  }));
  const at = { contentDateTime: new Date('2024-01-11T08:09:10Z'), softwareVersion: '0.1.0' };
  const note = { header: header(0, ZONED), rejected, ...at, format };
  expect([
    golden(createRejectionNote({ ...note, reason: 'quality' })),
    golden(createRejectionNote({ ...note, reason: 'safety', comment: 'another patient' })),
  ]).toMatchSnapshot();
});

describe('the results of a finding', () => {
  const settingsOf = (resultFormat: ResultFormat): ResultSettings => ({
    resultFormat,
    pictures: { keyImages: true, pdf: true },
    contentQualification: 'RESEARCH',
    softwareVersion: '0.1.0',
    segmentation: ['binary', 'fractional'],
    reportOutlines: true,
    correctedCounts: true,
    repeatabilityPercent: { CT: 7.5, T1W: null, T2W: null },
  });
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
    stamps: new Map(),
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

  const cases = FORMATS.flatMap(({ format, as }) => [
    [`the first time${as}`, found, { priors: [], current: null }, format] as const,
    [`with priors${as}`, { ...found, part: 'venous' }, { priors, current: null }, format] as const,
    [`in place of another${as}`, found, { priors, current: standing }, format] as const,
    [`where nothing was found${as}`, nothing, { priors: [], current: null }, format] as const,
  ]);
  test.each(cases)('stay the same %s', async (_, finding, past, format) => {
    const { names, firstTime } = times();
    const results = await createResults(finding, past, settingsOf(format), firstTime);
    const { keyImages, pdf } = results.pictures;
    expect({
      names,
      segmentations: results.segmentations.map(golden),
      report: golden(results.report),
      supersedes: results.supersedes?.sopInstanceUid,
      pictures: [...keyImages, ...(pdf ? [pdf] : [])].map(uidsOf),
    }).toMatchSnapshot();
  });

  test('that stand in an earlier format are made again in it, byte for byte, while they say the same', async () => {
    const past = { priors, current: standing };
    const first = await createResults(found, past, settingsOf('3'), times().firstTime);
    const { studyInstanceUid } = supersedes;
    const { seriesInstanceUid, sopInstanceUid } = first.report;
    const current = { report: { studyInstanceUid, seriesInstanceUid, sopInstanceUid }, supersedes };
    const again = await createResults(found, { priors, current }, settingsOf('4'), times().firstTime);
    expect(again.segmentations.map(golden)).toEqual(first.segmentations.map(golden));
    expect(golden(again.report)).toBe(golden(first.report));
    const news = await createResults(found, { priors: [], current }, settingsOf('4'), times().firstTime);
    expect(news.supersedes?.sopInstanceUid).toBe(sopInstanceUid);
    const fresh = await createResults(found, { priors: [], current }, settingsOf('3'), times().firstTime);
    expect(golden(news.report)).not.toBe(golden(fresh.report));
  });

  test('made again are the same report, which supersedes what it superseded before', async () => {
    const past = { priors, current: standing };
    const settings = settingsOf('4');
    const first = await createResults(found, past, settings, times().firstTime);
    const { studyInstanceUid } = supersedes;
    const { seriesInstanceUid, sopInstanceUid } = first.report;
    const current = { report: { studyInstanceUid, seriesInstanceUid, sopInstanceUid }, supersedes };
    const again = await createResults(found, { priors, current }, settings, times().firstTime);
    expect(golden(again.report)).toBe(golden(first.report));
    expect(again.supersedes).toEqual(supersedes);
  });

  test.each(FORMATS)("stay the same for a reader's SEG$as", async ({ format }) => {
    const { names, firstTime } = times();
    const seg = { segmentNumber: 2, ...SEGMENTATION };
    const { report, contentDateTime } = await correctionReport(
      { ...found, softMask: undefined },
      { priors, supersedes, seg },
      settingsOf(format),
      firstTime,
    );
    expect({ names, report: golden(report), contentDateTime }).toMatchSnapshot();
  });
});
