import { CODES, type Code } from '../../results/codes.ts';
import { flagCode, flagMeaning } from '../../results/quality-flags.ts';
import { type OutgoingResult, summaryLines } from '../result/outgoing-result.ts';
import { components, type Fields, type Part } from './encoding.ts';
import { coded, moment, studyTime, subId, uidDesignator } from './fields.ts';

/**
 * Observation result status (table 0085): C replaces, W says of what was sent that it is wrong. D would
 * delete what receivers may have filed and somebody may have read.
 */
const OBX_STATUS = { finished: 'P', reissued: 'C', corrected: 'C', withdrawn: 'W' } as const satisfies Record<
  OutgoingResult['change'],
  string
>;
/** Results cannot be obtained for this observation. */
const NOT_OBTAINED = 'X';

const STUDY: Code = { value: '113014', scheme: 'DCM', meaning: 'Study' };
const SERIES: Code = { value: '113015', scheme: 'DCM', meaning: 'Series' };
const REPORT: Code = { value: '18748-4', scheme: 'LN', meaning: 'Diagnostic imaging study' };
const ML: Code = { value: 'mL', scheme: 'UCUM', meaning: 'milliliter' };

interface Observation {
  readonly type: 'NM' | 'HD' | 'CWE' | 'TX' | 'ED';
  readonly of: Code;
  /** Tells those of the same code apart. */
  readonly sub?: string;
  readonly value: Part;
  readonly unit?: Code;
  /** Whether it was measured: it then says how, where and by what device. */
  readonly measured?: boolean;
  readonly status?: string;
}

/** The fields of the OBX segments of a result. */
export function observationFields(result: OutgoingResult): Fields[] {
  const status = OBX_STATUS[result.change];
  return observations(result).map((one, i) => ({
    1: String(i + 1),
    2: one.type,
    3: coded(one.of),
    4: subId(result, one.sub),
    5: one.value,
    6: one.unit && coded(one.unit),
    11: one.status ?? status,
    14: studyTime(result),
    ...(one.measured
      ? {
          17: coded(CODES.sumOfSegmentedVoxels),
          18: components(result.device.uid, undefined, result.device.uid, 'ISO'),
          19: moment(result.madeAt),
          20: coded(CODES.pancreas),
        }
      : {}),
  }));
}

function observations(result: OutgoingResult): Observation[] {
  const { volumeMl, intervalMl, changePercent, flags, change, segmentation, report, study, pdf } = result;
  const ml = (of: Code, value: number): Observation => ({
    type: 'NM',
    of,
    value: decimal(value, 3),
    unit: ML,
    measured: true,
  });
  const percent = (sub: string, value: number): Observation => ({
    type: 'NM',
    of: CODES.differenceInSize,
    sub,
    value: decimal(value, 1),
    unit: CODES.percent,
  });
  const uid = (of: Code, value: string, sub?: string): Observation => ({
    type: 'HD',
    of,
    value: uidDesignator(value),
    ...(sub === undefined ? {} : { sub }),
  });
  const notObtained: Observation = {
    type: 'NM',
    of: CODES.volume,
    value: undefined,
    unit: ML,
    measured: true,
    ...(change === 'withdrawn' ? {} : { status: NOT_OBTAINED }),
  };
  return [
    volumeMl === undefined ? notObtained : ml(CODES.volume, volumeMl),
    ...(volumeMl !== undefined && intervalMl
      ? [
          ml(CODES.upperUncertainty, intervalMl.high - volumeMl),
          ml(CODES.lowerUncertainty, volumeMl - intervalMl.low),
        ]
      : []),
    ...(changePercent ? [percent('PREV', changePercent.sincePrevious)] : []),
    ...(changePercent?.sinceFirst === undefined ? [] : [percent('FIRST', changePercent.sinceFirst)]),
    ...flags.map((flag, i): Observation => {
      const value = coded({ ...flagCode(flag), meaning: flagMeaning(flag) });
      return { type: 'CWE', of: CODES.qualityFinding, sub: String(i + 1), value };
    }),
    uid(STUDY, study.uid),
    uid(SERIES, report.seriesInstanceUid, 'SR'),
    uid(CODES.imagingMeasurementReport, report.sopInstanceUid),
    ...(segmentation
      ? [
          uid(SERIES, segmentation.seriesInstanceUid, 'SEG'),
          uid(CODES.referencedSegment, segmentation.sopInstanceUid),
        ]
      : []),
    ...summaryLines(result).map(
      (line, i): Observation => ({
        type: 'TX',
        of: CODES.summary,
        sub: String(i + 1),
        value: line,
        // That it was withdrawn is true, and stands in the place of the first line.
        ...(change === 'withdrawn' && i === 0 ? { status: OBX_STATUS.corrected } : {}),
      }),
    ),
    ...(pdf
      ? [
          {
            type: 'ED' as const,
            of: REPORT,
            value: components(undefined, 'Application', 'PDF', 'Base64', Buffer.from(pdf).toString('base64')),
          },
        ]
      : []),
  ];
}

/** Without zeros at the end, and never with an exponent. */
const decimal = (value: number, decimals: number): string => String(Number(value.toFixed(decimals)));
