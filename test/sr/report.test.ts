import { describe, expect, test } from 'vitest';
import { type DicomDataset, number, readInstance, sequence, text } from '../../src/dicom/reading/dataset.ts';
import { CODES, type Code, isCode } from '../../src/results/codes.ts';
import { isOwnResult } from '../../src/results/own-results.ts';
import { createSegmentation } from '../../src/seg/segmentation-object.ts';
import { createReport } from '../../src/sr/report.ts';
import type { ReportInput } from '../../src/sr/report-input.ts';
import {
  CT_MODEL,
  context,
  header,
  prior,
  reportInput,
  SEGMENTATION,
  smallSeries,
} from '../support/result-fixtures.ts';

function reportOf(changes: Partial<ReportInput> = {}): DicomDataset {
  return readInstance(createReport(reportInput(changes)).bytes, 'SR').dataset;
}

function childrenOf(parent: DicomDataset | undefined, name: Code): DicomDataset[] {
  return sequence(parent ?? {}, 'ContentSequence').filter((item) =>
    sequence(item, 'ConceptNameCodeSequence').some((code) => isCode(code, name)),
  );
}

function groupOf(report: DicomDataset): DicomDataset | undefined {
  return childrenOf(childrenOf(report, CODES.imagingMeasurements)[0], CODES.measurementGroup)[0];
}

/** Value and unit of every measurement of a name, with the meaning that the report gives it. */
function measured(report: DicomDataset, name: Code) {
  return childrenOf(groupOf(report), name).map((item) => {
    const [value] = sequence(item, 'MeasuredValueSequence');
    const [unit] = sequence(value ?? {}, 'MeasurementUnitsCodeSequence');
    return {
      value: text(value ?? {}, 'NumericValue'),
      exact: number(value ?? {}, 'FloatingPointValue'),
      unit: text(unit ?? {}, 'CodeValue'),
      meaning: childrenOf(item, CODES.equivalentMeaning).map((child) => text(child, 'TextValue'))[0],
    };
  });
}

function evaluations(report: DicomDataset, name: Code): (string | undefined)[] {
  const [container] = childrenOf(report, CODES.qualitativeEvaluations);
  return childrenOf(container, name).map((item) => text(item, 'TextValue'));
}

const uid = (changes: Partial<ReportInput>) => createReport(reportInput(changes)).sopInstanceUid;

const tracking = (changes: Readonly<Record<string, unknown>>) => {
  const report = reportOf({ context: context({ series: smallSeries(changes) }) });
  return text(childrenOf(groupOf(report), CODES.trackingUniqueIdentifier)[0] ?? {}, 'UID');
};

describe('a volume report', () => {
  test('states the volume to 0.01 ml for people, in full for programs, and how it was measured', () => {
    const [volume] = measured(reportOf(), CODES.volume);
    expect(volume).toMatchObject({ value: '70.41', exact: 70.412345, unit: 'ml' });
    const [method] = childrenOf(childrenOf(groupOf(reportOf()), CODES.volume)[0], CODES.measurementMethod);
    expect(
      isCode(sequence(method ?? {}, 'ConceptCodeSequence')[0] ?? {}, CODES.sumOfSegmentedVoxelVolumes),
    ).toBe(true);
  });

  test('states how uncertain the volume is to either side, and how that was found', () => {
    const report = reportOf();
    expect(measured(report, CODES.upperUncertainty)).toMatchObject([{ value: '4.59', unit: 'ml' }]);
    expect(measured(report, CODES.lowerUncertainty)).toMatchObject([{ value: '4.01', unit: 'ml' }]);
    const [equation] = childrenOf(childrenOf(groupOf(report), CODES.volume)[0], CODES.equation);
    expect(text(equation ?? {}, 'TextValue')).toBe(
      '39118 voxels of the segment times the volume of one; uncertainty: from the volume of the voxels ' +
        'with a ' +
        "probability of at least 0.75 to that with at least 0.25, by the network's softmax",
    );
    expect(evaluations(report, CODES.summary)).toEqual(['Pancreas volume 70.4 ml (66.4 to 75.0 ml).']);
  });

  test('says what a calibrated interval is founded on, and of what it says nothing', () => {
    const basis = { coveragePercent: 90, caseCount: 30, source: 'thirty labelled CTs of one site' };
    const { found } = reportInput();
    if (!found) throw new TypeError('nothing found');
    const measurement = { ...found.measurement, volumeIntervalMl: { low: 66.4, high: 75, basis } };
    const report = reportOf({ found: { ...found, measurement } });
    const [equation] = childrenOf(childrenOf(groupOf(report), CODES.volume)[0], CODES.equation);
    expect(text(equation ?? {}, 'TextValue')).toMatch(
      /at least 90 of 100 cases like the 30 .*\(thirty labelled CTs of one site\).*says nothing$/,
    );
  });

  test('states the attenuation of CT, and no signal of MR', () => {
    expect(measured(reportOf(), CODES.attenuationCoefficient)).toMatchObject([
      { value: '81.3' },
      { value: '20.1' },
    ]);
    const mr = context({ series: smallSeries({ Modality: 'MR' }) });
    expect(measured(reportOf({ context: mr }), CODES.attenuationCoefficient)).toEqual([]);
  });

  test('names the group before any other UID by the tracking UID that the SEG has', () => {
    const report = reportOf();
    const [firstUid] = sequence(groupOf(report) ?? {}, 'ContentSequence').filter(
      (i) => text(i, 'ValueType') === 'UIDREF',
    );
    const seg = createSegmentation(context());
    if (!seg) throw new Error('no SEG');
    const [segment] = sequence(readInstance(seg.bytes, 'SEG').dataset, 'SegmentSequence');
    expect(text(firstUid ?? {}, 'UID')).toBe(text(segment ?? {}, 'TrackingUID'));
  });

  test('refers to the segment, and lists every object that it refers to as evidence', () => {
    const report = reportOf({ priors: [prior('20230101', 80)] });
    const [segment] = childrenOf(groupOf(report), CODES.referencedSegment);
    const [reference] = sequence(segment ?? {}, 'ReferencedSOPSequence');
    expect(text(reference ?? {}, 'ReferencedSOPInstanceUID')).toBe('2.25.11');
    expect(number(reference ?? {}, 'ReferencedSegmentNumber')).toBe(1);
    const instances = (keyword: string) =>
      sequence(report, keyword)
        .flatMap((study) => sequence(study, 'ReferencedSeriesSequence'))
        .flatMap((series) => sequence(series, 'ReferencedSOPSequence'))
        .map((item) => text(item, 'ReferencedSOPInstanceUID'));
    const images = smallSeries().slices.map((slice) => slice.sopInstanceUid);
    expect(instances('CurrentRequestedProcedureEvidenceSequence')).toEqual([...images, '2.25.11']);
    expect(instances('PertinentOtherEvidenceSequence')).toEqual(['1.2.840.99999.4.20230101']);
  });

  test('says that it is for research only where it is, and carries the notice of its model', () => {
    const model = { ...CT_MODEL, notice: 'synthetic demo, not for patients' };
    expect(evaluations(reportOf({ context: context({ model }) }), CODES.comment)).toEqual([
      'For research use only. Not for diagnosis.',
      'The model demo-ct: synthetic demo, not for patients.',
    ]);
    const product = context({ contentQualification: 'PRODUCT' });
    expect(evaluations(reportOf({ context: product }), CODES.comment)).toEqual([]);
    expect(text(reportOf({ context: context({ model }) }), 'SeriesDescription')).toBe(
      'Pancreas volume report: synthetic demo, not for patients',
    );
  });

  test('lists each quality flag once, in one order', () => {
    const report = reportOf({ flags: ['lossy-source', 'touches-first-slice', 'lossy-source'] });
    // Each has its code before it, which says nothing in words.
    expect(evaluations(report, CODES.qualityFinding)).toEqual([
      undefined,
      'Pancreas touches the first slice: it may be cut off',
      undefined,
      'Source images were compressed with loss',
    ]);
  });

  test('in words, where nothing was found: no measurement, but why, and which model found nothing', () => {
    const report = reportOf({
      found: undefined,
      form: { nothingFound: 'words' },
      priors: [prior('20230101', 80)],
      flags: ['lossy-source'],
    });
    expect(childrenOf(report, CODES.imagingMeasurements)).toEqual([]);
    const said = (heading: Code) =>
      childrenOf(report, heading)
        .flatMap((section) => sequence(section, 'ContentSequence'))
        .map((item) => text(item, 'TextValue'));
    expect(said(CODES.findings)).toEqual([
      'No pancreas was found, no volume was measured',
      'Source images were compressed with loss',
    ]);
    expect(said(CODES.summary)).toEqual([
      'No pancreas was found; no volume was measured.',
      'For research use only. Not for diagnosis.',
    ]);
    expect(said(CODES.previousFindings)).toEqual(['2023-01-01: 80.00 ml (report 1.2.840.99999.4.20230101)']);
    expect(said(CODES.currentProcedureDescriptions)).toEqual(
      expect.arrayContaining(['algorithm: demo-ct', 'version: 1.0.0', `weights sha256: ${CT_MODEL.sha256}`]),
    );
  });

  test('names the report that it supersedes', () => {
    const { report } = prior('20240110', 71);
    const [study] = sequence(reportOf({ supersedes: report }), 'PredecessorDocumentsSequence');
    const [series] = sequence(study ?? {}, 'ReferencedSeriesSequence');
    const [instance] = sequence(series ?? {}, 'ReferencedSOPSequence');
    expect(text(instance ?? {}, 'ReferencedSOPInstanceUID')).toBe(report.sopInstanceUid);
  });
});

describe('the change since earlier studies', () => {
  const found = {
    segmentation: SEGMENTATION,
    measurement: {
      volumeMl: 70.4,
      voxelCount: 39_111,
      volumeIntervalMl: undefined,
      meanIntensity: 80,
      sdIntensity: 20,
    },
  };

  test('is not stated without an earlier volume', () => {
    expect(measured(reportOf({ found }), CODES.differenceInSize)).toEqual([]);
    expect(evaluations(reportOf({ found }), CODES.summary)).toEqual(['Pancreas volume 70.4 ml.']);
  });

  test('is stated in ml and percent, in numbers and in words', () => {
    const report = reportOf({ found, priors: [prior('20230110', 80)] });
    expect(measured(report, CODES.differenceInSize)).toMatchObject([
      {
        value: '-9.6',
        unit: 'ml',
        meaning: 'Change of pancreas volume since the first and previous study, 2023-01-10',
      },
      { value: '-12', exact: expect.closeTo(-12, 6), unit: '%' },
      { value: '-9.61', exact: expect.closeTo((-9.6 * 365.25) / 365, 6), unit: 'ml/a' },
      { value: '-12', exact: expect.closeTo((-12 * 365.25) / 365, 6), unit: '%/a' },
    ]);
    expect(evaluations(report, CODES.summary)).toEqual([
      'Pancreas volume 70.4 ml. Since the first and previous study of 2023-01-10 (80.0 ml): -9.6 ml, ' +
        '-12.0 % (a year: -9.6 ml, -12.0 %).',
    ]);
  });

  test('has no rate per year between studies that lie less than a quarter of a year apart, or have no date', () => {
    const units = (date: string, changes = {}) => {
      const given = context({ series: smallSeries(changes) });
      const report = reportOf({ found, priors: [prior(date, 80)], context: given });
      return measured(report, CODES.differenceInSize).map(({ unit }) => unit);
    };
    expect(units('20231012')).toEqual(['ml', '%']);
    expect(units('20231011')).toEqual(['ml', '%', 'ml/a', '%/a']);
    expect(units('20231011', { StudyDate: undefined })).toEqual(['ml', '%']);
  });

  test('is judged by the repeatability coefficient that the site states, whose meaning is given', () => {
    const wordsOf = (repeatabilityPercent: number | undefined) => {
      const report = reportOf({ found, priors: [prior('20230110', 80)], repeatabilityPercent });
      return {
        summary: evaluations(report, CODES.summary)[0],
        comment: evaluations(report, CODES.comment)[0],
      };
    };
    expect(wordsOf(11.9).summary).toMatch(/, more than repeated measurement alone would give \(11.9 %\)\.$/);
    expect(wordsOf(12.1).summary).toMatch(
      /, not more than repeated measurement alone would give \(12.1 %\)\.$/,
    );
    expect(wordsOf(12.1).comment).toMatch(
      /^Repeatability coefficient 12.1 %, as stated by the site: .*1\.96/,
    );
    expect(wordsOf(undefined).summary).not.toContain('repeated');
    expect(wordsOf(undefined).comment).toMatch(/is not judged: no repeatability coefficient/);
  });

  test('is stated since the first and since the previous study, whatever order they are given in', () => {
    const priors = [prior('20230110', 70), prior('20210110', 88), prior('20220110', 80)];
    const changes = measured(reportOf({ found, priors }), CODES.differenceInSize);
    expect(changes.map(({ value, unit, meaning }) => `${value} ${unit} ${meaning}`)).toEqual([
      '-17.6 ml Change of pancreas volume since the first study, 2021-01-10',
      '-20 % Relative change of pancreas volume since the first study, 2021-01-10',
      '-5.87 ml/a Change of pancreas volume per year since the first study, 2021-01-10',
      '-6.7 %/a Relative change of pancreas volume per year since the first study, 2021-01-10',
      '0.4 ml Change of pancreas volume since the previous study, 2023-01-10',
      '0.6 % Relative change of pancreas volume since the previous study, 2023-01-10',
      '0.4 ml/a Change of pancreas volume per year since the previous study, 2023-01-10',
      '0.6 %/a Relative change of pancreas volume per year since the previous study, 2023-01-10',
    ]);
    const reversed = createReport(reportInput({ found, priors: priors.toReversed() }));
    expect(reversed.bytes).toEqual(createReport(reportInput({ found, priors })).bytes);
  });

  test('is not stated since a volume that another model or modality gave, which is shown', () => {
    const report = reportOf({ found, priors: [prior('20230110', 80, false)] });
    expect(measured(report, CODES.differenceInSize)).toEqual([]);
    expect(evaluations(report, CODES.previousFindings)).toEqual([
      '2023-01-10: 80.00 ml, by another model or modality: not comparable (report 1.2.840.99999.4.20230110)',
    ]);
  });

  test('from an earlier volume of zero has no percentage', () => {
    const report = reportOf({ found, priors: [prior('20230110', 0)] });
    expect(measured(report, CODES.differenceInSize).map(({ unit }) => unit)).toEqual(['ml', 'ml/a']);
  });
});

describe('the UIDs of a report', () => {
  test('are the same for the same content, whenever it is written, and so are the bytes at the recorded time', () => {
    expect(createReport(reportInput()).bytes).toEqual(createReport(reportInput()).bytes);
    expect(uid({ context: context({ contentDateTime: new Date('2030-01-01T00:00:00Z') }) })).toBe(uid({}));
  });

  test('are others for other content', () => {
    const renamed = context({ series: smallSeries({ PatientName: 'Doe^Janet' }) });
    const uids = [
      uid({}),
      uid({ found: undefined }),
      uid({ priors: [prior('20230101', 80)] }),
      uid({ priors: [prior('20230101', 81)] }),
      uid({ flags: ['lossy-source'] }),
      uid({ context: renamed }),
      uid({ supersedes: prior('20230101', 80).report }),
    ];
    expect(new Set(uids).size).toBe(uids.length);
  });

  test("a patient's pancreas is tracked from study to study, and nobody else's is joined to it", () => {
    expect(tracking({ StudyInstanceUID: '1.2.840.99999.77' })).toBe(tracking({}));
    const unidentified = { PatientID: '', IssuerOfPatientID: '' };
    const uids = [
      tracking({}),
      tracking({ PatientID: 'P2' }),
      tracking({ IssuerOfPatientID: 'ELSEWHERE' }),
      tracking(unidentified),
      tracking({ ...unidentified, StudyInstanceUID: '1.2.840.99999.77' }),
    ];
    expect(new Set(uids).size).toBe(uids.length);
  });
});

test('the node knows its own results again, and nobody else is taken for it', () => {
  expect(isOwnResult(reportOf())).toBe(true);
  const seg = createSegmentation(context());
  expect(seg && isOwnResult(readInstance(seg.bytes, 'SEG').dataset)).toBe(true);
  expect(isOwnResult(header(0))).toBe(false);
  expect(isOwnResult({ Manufacturer: 'pansegnet-node', ManufacturerModelName: 'other' })).toBe(false);
});
