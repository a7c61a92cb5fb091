import { describe, expect, test } from 'vitest';
import { type DicomDataset, readInstance, sequence, text, texts } from '../../src/dicom/reading/dataset.ts';
import { CODES, type Code, isCode } from '../../src/results/codes.ts';
import { flagCode, QUALITY_FLAGS } from '../../src/results/quality-flags.ts';
import { createSegmentation } from '../../src/seg/segmentation-object.ts';
import { readReport } from '../../src/sr/read-report.ts';
import { createRejectionNote } from '../../src/sr/rejection-note.ts';
import { createReport } from '../../src/sr/report.ts';
import { REPORT_CLASSES, type ReportForm } from '../../src/sr/report-form.ts';
import type { ReportInput } from '../../src/sr/report-input.ts';
import {
  context,
  header,
  prior,
  reportInput,
  SEGMENTATION,
  SMALL_SIZE,
  smallSeries,
} from '../support/result-fixtures.ts';

const reportOf = (changes: Partial<ReportInput> = {}): DicomDataset =>
  readInstance(createReport(reportInput(changes)).bytes, 'SR').dataset;

const named = (parent: DicomDataset | undefined, name: Code): DicomDataset[] =>
  sequence(parent ?? {}, 'ContentSequence').filter((item) =>
    sequence(item, 'ConceptNameCodeSequence').some((code) => isCode(code, name)),
  );
const at = (report: DicomDataset, ...path: Code[]): DicomDataset[] =>
  path.reduce<DicomDataset[]>((items, name) => items.flatMap((item) => named(item, name)), [report]);
const codesOf = (items: readonly DicomDataset[]): (string | undefined)[] =>
  items.flatMap((item) => sequence(item, 'ConceptCodeSequence')).map((code) => text(code, 'CodeMeaning'));

const GROUP = [CODES.imagingMeasurements, CODES.measurementGroup] as const;

describe('a report where nothing was found', () => {
  const report = reportOf({ found: undefined, flags: ['thick-slices'] });

  test('is a measurement report whose group says in a code what is at the pancreas, by its tracking UID', () => {
    expect(
      sequence(report, 'ConceptNameCodeSequence').some((one) => isCode(one, CODES.imagingMeasurementReport)),
    ).toBe(true);
    expect(codesOf(at(report, ...GROUP, CODES.finding))).toEqual(['Not visualized']);
    expect(codesOf(at(report, ...GROUP, CODES.findingSite))).toEqual(['Pancreas']);
    const [group] = at(report, ...GROUP);
    expect(
      sequence(group ?? {}, 'ContentTemplateSequence').map((one) => text(one, 'TemplateIdentifier')),
    ).toEqual(['1501']);
    const found = readReport(createReport(reportInput()).bytes);
    expect(readReport({ dataset: report })).toMatchObject({
      volumeMl: undefined,
      voxelCount: 0,
      trackingUid: found?.trackingUid,
      flags: ['nothing-found', 'thick-slices'],
    });
  });

  test('counts the images that it was not found in, beside a bracket in the middle one, and measures nothing', () => {
    const [group] = at(report, ...GROUP);
    const numbers = sequence(group ?? {}, 'ContentSequence').filter(
      (item) => text(item, 'ValueType') === 'NUM',
    );
    expect(numbers).toEqual(at(report, ...GROUP, CODES.notVisualized));
    const [value] = numbers.flatMap((item) => sequence(item, 'MeasuredValueSequence'));
    expect(text(value ?? {}, 'NumericValue')).toBe(String(SMALL_SIZE[2]));
    const [columns, rows, planes] = SMALL_SIZE;
    const inGroup = at(report, ...GROUP, CODES.sourceOfMeasurement);
    const inNumber = at(report, ...GROUP, CODES.notVisualized, CODES.sourceOfMeasurement);
    for (const [bracket] of [inGroup, inNumber]) {
      const points = texts(bracket ?? {}, 'GraphicData').map(Number);
      expect(points).toEqual([columns / 32, 0, 0, 0, 0, rows, columns / 32, rows]);
      const images = sequence(bracket ?? {}, 'ContentSequence').flatMap((item) =>
        sequence(item, 'ReferencedSOPSequence'),
      );
      expect(images.map((image) => text(image, 'ReferencedSOPInstanceUID'))).toEqual([
        smallSeries().slices[planes / 2]?.sopInstanceUid,
      ]);
    }
  });

  test('says in the codes of its evaluations that nothing was found, beside the words', () => {
    const findings = at(report, CODES.qualitativeEvaluations, CODES.qualityFinding);
    expect(codesOf(findings)).toEqual(['Not visualized', 'Limited quality']);
    expect(findings.flatMap((item) => texts(item, 'TextValue'))[0]).toMatch(/^No pancreas was found/);
  });
});

describe('the class of a report', () => {
  test('is the one that the site chose, for evidence and predecessors the one that they have', () => {
    const sopClassUid = REPORT_CLASSES.comprehensive3d;
    const earlier = prior('20230101', 80);
    const chosen = createReport(
      reportInput({
        form: { reportClass: 'comprehensive3d' },
        priors: [
          earlier,
          { ...prior('20220101', 81), report: { ...prior('20220101', 81).report, sopClassUid } },
        ],
        supersedes: { ...prior('20240110', 1).report, sopClassUid },
      }),
    );
    expect(chosen.sopClassUid).toBe(sopClassUid);
    const { dataset } = readInstance(chosen.bytes, 'SR');
    const classes = (keyword: string) =>
      sequence(dataset, keyword)
        .flatMap((study) => sequence(study, 'ReferencedSeriesSequence'))
        .flatMap((series) => sequence(series, 'ReferencedSOPSequence'))
        .map((one) => text(one, 'ReferencedSOPClassUID'));
    expect(classes('PertinentOtherEvidenceSequence')).toEqual([sopClassUid, REPORT_CLASSES.comprehensive]);
    expect(classes('PredecessorDocumentsSequence')).toEqual([sopClassUid]);
    expect(readReport(chosen.bytes)).toMatchObject({
      sopClassUid,
      supersededClassUid: sopClassUid,
      volumeMl: 70.412345,
    });
  });
});

describe('the templates of today', () => {
  const form: Partial<ReportForm> = { templates: 'current' };
  const priors = [prior('20230101', 80)];

  test('put uncertainty below the volume and changes into derived measurements, and are read the same', () => {
    const today = createReport(reportInput({ form, priors }));
    const usual = createReport(reportInput({ priors }));
    const { dataset } = readInstance(today.bytes, 'SR');
    expect(at(dataset, ...GROUP, CODES.volume, CODES.upperUncertainty)).toHaveLength(1);
    expect(at(dataset, ...GROUP, CODES.upperUncertainty)).toEqual([]);
    expect(at(dataset, ...GROUP, CODES.differenceInSize)).toEqual([]);
    expect(at(dataset, CODES.derivedMeasurements, CODES.differenceInSize)).toHaveLength(4);
    const unnamed = { sopInstanceUid: '', seriesInstanceUid: '' };
    expect({ ...readReport(today.bytes), ...unnamed }).toEqual({ ...readReport(usual.bytes), ...unnamed });
  });

  test('have evaluations as codes in the group: whether it was found, and the flags, each code once', () => {
    const flags = ['touches-first-slice', 'touches-last-slice', 'lossy-source'] as const;
    const found = reportOf({ form, flags });
    expect(codesOf(at(found, ...GROUP, CODES.presenceOfProperty))).toEqual(['Present']);
    expect(codesOf(at(found, ...GROUP, CODES.qualityFinding))).toEqual([
      'Anatomy coverage incomplete',
      'Lossy Compression',
    ]);
    const nothing = reportOf({ form, found: undefined });
    expect(codesOf(at(nothing, ...GROUP, CODES.presenceOfProperty))).toEqual(['Not visualized']);
  });

  test('show the volume at a point inside of the pancreas, whatever its shape', () => {
    const [width] = SMALL_SIZE;
    const mask = new Uint8Array(SMALL_SIZE[0] * SMALL_SIZE[1] * SMALL_SIZE[2]);
    // A gland like a U: its middle is not in it.
    for (const pixel of [0, 4, 5, 6, width, 2 * width, 2 * width + 1, 2 * width + 2, 2 * width + 3])
      mask[pixel] = 1;
    for (const pixel of [width + 4, width + 5, 2 * width + 4]) mask[pixel] = 1;
    const [point] = at(reportOf({ form, context: context({ mask }) }), ...GROUP, CODES.center);
    const [column = 0, row = 0] = texts(point ?? {}, 'GraphicData').map(Number);
    expect([column, row]).toEqual([5, 1.5]);
    expect(mask[Math.floor(row) * width + Math.floor(column)]).toBe(1);
  });

  test('link each earlier volume to the report that it is of', () => {
    const [previous] = at(reportOf({ form, priors }), CODES.qualitativeEvaluations, CODES.previousFindings);
    const [report] = sequence(previous ?? {}, 'ContentSequence');
    const [reference] = sequence(report ?? {}, 'ReferencedSOPSequence');
    expect(text(reference ?? {}, 'ReferencedSOPInstanceUID')).toBe(priors[0]?.report.sopInstanceUid);
  });

  test('name the procedures that the images say were done beside that of their modality', () => {
    const code = { CodeValue: '36424-0', CodingSchemeDesignator: 'LN', CodeMeaning: 'CT Abdomen' };
    const given = context({ series: smallSeries({ ProcedureCodeSequence: [code] }) });
    const said = (chosen: Partial<ReportForm>) =>
      codesOf(at(reportOf({ context: given, form: chosen }), CODES.procedureReported));
    expect(said(form)).toEqual([CODES.ctProcedure.meaning, 'CT Abdomen']);
    expect(said({})).toEqual([CODES.ctProcedure.meaning]);
    const performed = sequence(reportOf({ context: given }), 'PerformedProcedureCodeSequence');
    expect(performed.map((one) => text(one, 'CodeValue'))).toEqual(['36424-0']);
  });
});

test('the unit of volumes is the one that the site chose, for changes too', () => {
  const report = reportOf({ form: { volumeUnit: 'cm3' }, priors: [prior('20230101', 80)] });
  const [group] = at(report, ...GROUP);
  const units = sequence(group ?? {}, 'ContentSequence')
    .flatMap((item) => sequence(item, 'MeasuredValueSequence'))
    .flatMap((value) => sequence(value, 'MeasurementUnitsCodeSequence'))
    .map((unit) => text(unit, 'CodeValue'));
  expect(new Set(units)).toEqual(new Set(['cm3', "[hnsf'U]", '%', 'cm3/a', '%/a']));
  expect(readReport({ dataset: report })?.volumeMl).toBe(70.412345);
});

test('every form of a segmentation is among the evidence and in the image library', () => {
  const other = { ...SEGMENTATION, sopInstanceUid: '2.25.21', seriesInstanceUid: '2.25.22' };
  const report = reportOf({ otherSegmentations: [other] });
  const groups = at(report, CODES.imageLibrary, CODES.imageLibraryGroup);
  const images = groups
    .flatMap((group) => sequence(group, 'ContentSequence'))
    .flatMap((item) => sequence(item, 'ReferencedSOPSequence'))
    .map((one) => text(one, 'ReferencedSOPInstanceUID'));
  expect(images.at(-1)).toBe('2.25.21');
  const evidence = JSON.stringify(report['CurrentRequestedProcedureEvidenceSequence']);
  expect(evidence).toContain('2.25.21');
});

test('a corrected report names the person whose segmentation it measured, beside the device', () => {
  const correction = { segmentNumber: 2, seriesInstanceUid: '2.25.12', reader: 'Roe^Rita' };
  const observers = (input: Partial<ReportInput>) => codesOf(at(reportOf(input), CODES.observerType));
  expect(observers({ correction })).toEqual(['Device', 'Person']);
  expect(
    at(reportOf({ correction }), CODES.personObserverName).map((item) => text(item, 'PersonName')),
  ).toEqual(['Roe^Rita']);
  expect(observers({ correction: { segmentNumber: 2, seriesInstanceUid: '2.25.12' } })).toEqual(['Device']);
});

test('every quality flag has a code of a scheme that the standard lists', () => {
  const schemes = QUALITY_FLAGS.map((flag) => flagCode(flag).scheme);
  expect(schemes.filter((scheme) => !['DCM', 'SCT', 'RADLEX'].includes(scheme))).toEqual([]);
});

describe('which order and which device', () => {
  const request = {
    RequestedProcedureID: 'RP1',
    ScheduledProcedureStepID: 'SPS1',
    RequestedProcedureDescription: 'CT abdomen',
    AccessionNumber: 'A7',
  };
  const ordered = {
    RequestAttributesSequence: [request],
    PlacerOrderNumberImagingServiceRequest: 'P-1',
    FillerOrderNumberImagingServiceRequest: 'F-1',
    Manufacturer: 'Scanner Works',
    StationName: 'CT1',
  };

  test('a report answers stands in it: study, accession, placer and filler numbers, requested procedure', () => {
    const [item, ...more] = sequence(
      reportOf({ context: context({ series: smallSeries(ordered) }) }),
      'ReferencedRequestSequence',
    );
    expect(more).toEqual([]);
    const said = ['StudyInstanceUID', 'AccessionNumber', 'RequestedProcedureID'].map((key) =>
      text(item ?? {}, key),
    );
    expect(said).toEqual(['1.2.840.99999.1', 'A7', 'RP1']);
    expect(text(item ?? {}, 'PlacerOrderNumberImagingServiceRequest')).toBe('P-1');
    expect(text(item ?? {}, 'FillerOrderNumberImagingServiceRequest')).toBe('F-1');
    const accessionAlone = sequence(reportOf(), 'ReferencedRequestSequence').map((one) =>
      text(one, 'AccessionNumber'),
    );
    expect(accessionAlone).toEqual(['A1']);
    const none = context({ series: smallSeries({ AccessionNumber: '' }) });
    expect(sequence(reportOf({ context: none }), 'ReferencedRequestSequence')).toEqual([]);
  });

  test('a SEG repeats the request, and names the scanner; a node is told from others by its UID', () => {
    const segOf = (changes: object) => {
      const seg = createSegmentation(context({ series: smallSeries(ordered), ...changes }));
      return readInstance(seg?.bytes ?? Uint8Array.of(), 'SEG').dataset;
    };
    const site = { institution: 'Example Hospital', stationName: 'AI1', deviceSerialNumber: 'one' };
    const seg = segOf(site);
    expect(text(sequence(seg, 'RequestAttributesSequence')[0] ?? {}, 'ScheduledProcedureStepID')).toBe(
      'SPS1',
    );
    const [scanner] = sequence(seg, 'ContributingEquipmentSequence');
    expect(text(scanner ?? {}, 'Manufacturer')).toBe('Scanner Works');
    expect(['InstitutionName', 'StationName', 'DeviceSerialNumber'].map((key) => text(seg, key))).toEqual(
      Object.values(site),
    );
    expect(text(segOf({ deviceSerialNumber: 'two' }), 'DeviceUID')).not.toBe(text(seg, 'DeviceUID'));
    const report = reportOf({ context: context(site) });
    expect(at(report, CODES.deviceObserverUid).map((item) => text(item, 'UID'))).toEqual([
      text(seg, 'DeviceUID'),
    ]);
    expect(text(sequence(report, 'AuthorObserverSequence')[0] ?? {}, 'ObserverType')).toBe('DEV');
  });

  test('an object says which coding schemes its codes are of', () => {
    const designators = sequence(reportOf(), 'CodingSchemeIdentificationSequence').map((one) =>
      text(one, 'CodingSchemeDesignator'),
    );
    expect(designators).toEqual(['DCM', 'SCT', 'LN', 'UCUM', 'UMLS', 'RFC5646']);
  });
});

test('a note that rejects for quality says of what kind, one that rejects for safety does not', () => {
  const rejected = [{ ...SEGMENTATION, studyInstanceUid: '1.2.840.99999.1', isImage: true }];
  const modifiers = (reason: 'quality' | 'safety') => {
    const made = { contentDateTime: new Date(0), softwareVersion: '0.1.0' };
    const { bytes } = createRejectionNote({ header: header(0), rejected, reason, ...made });
    return codesOf(named(readInstance(bytes, 'KO').dataset, CODES.documentTitleModifier));
  };
  expect(modifiers('quality')).toEqual(['Software failure']);
  expect(modifiers('safety')).toEqual([]);
});
