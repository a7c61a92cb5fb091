import { CODES, type Code } from '../../results/codes.ts';
import { flagCode, flagMeaning } from '../../results/quality-flags.ts';
import type { OutgoingResult } from '../result/outgoing-result.ts';
import { summaryLines } from '../result/outgoing-result.ts';
import { type ResourceIds, reference, studyDateTime } from './references.ts';
import { type CodeableConcept, concept, hl7Concept, type Reference } from './terms.ts';

/** Beyond, digits say nothing: reports state a volume to 0.1 ml, and their full value to less than this. */
const ML_DECIMALS = 3;
const PERCENT_DECIMALS = 1;

interface Quantity {
  value: number;
  unit: string;
  system: string;
  code: string;
}

const quantity = (value: number, unit: string, code: string, decimals: number): Quantity => ({
  value: Number(value.toFixed(decimals)),
  unit,
  system: 'http://unitsofmeasure.org',
  code,
});
const ml = (value: number): Quantity => quantity(value, 'mL', 'mL', ML_DECIMALS);
const percent = (value: number): Quantity => quantity(value, '%', '%', PERCENT_DECIMALS);

interface Component {
  code: CodeableConcept;
  valueQuantity?: Quantity;
  valueCodeableConcept?: CodeableConcept;
}

/** The volume of the pancreas, or that none was found: the same in R4 and R5. */
export function volumeObservation(
  result: OutgoingResult,
  ids: ResourceIds,
  { subject, derivedFrom }: { subject: Reference; derivedFrom: Reference[] },
) {
  const { volumeMl, change, madeAt, byReader } = result;
  const effective = studyDateTime(result);
  const component = components(result);
  return {
    resourceType: 'Observation' as const,
    id: ids.observation,
    status: STATUS[change],
    category: [hl7Concept('observation-category', 'imaging', 'Imaging')],
    code: concept(CODES.volume, 'Pancreas volume'),
    subject,
    ...(effective === undefined ? {} : { effectiveDateTime: effective }),
    issued: madeAt.toISOString(),
    ...(volumeMl === undefined
      ? {
          dataAbsentReason: hl7Concept(
            'data-absent-reason',
            'unknown',
            'Unknown',
            flagMeaning('nothing-found'),
          ),
        }
      : { valueQuantity: ml(volumeMl) }),
    note: [{ text: summaryLines(result).join('\n') }],
    bodySite: concept(CODES.pancreas),
    method: concept(CODES.sumOfSegmentedVoxels),
    device: reference('Device', byReader ? ids.node : ids.model),
    derivedFrom,
    ...(component.length > 0 ? { component } : {}),
  };
}

/** Of Observation and DiagnosticReport; R4 has no other for what was changed. */
export const STATUS = {
  finished: 'preliminary',
  reissued: 'corrected',
  corrected: 'corrected',
  withdrawn: 'entered-in-error',
} as const satisfies Record<OutgoingResult['change'], string>;

function components({ volumeMl, intervalMl, changePercent, flags }: OutgoingResult): Component[] {
  const measured = (code: Code, valueQuantity: Quantity, text?: string): Component => ({
    code: concept(code, text),
    valueQuantity,
  });
  return [
    ...(volumeMl !== undefined && intervalMl
      ? [
          measured(CODES.upperUncertainty, ml(intervalMl.high - volumeMl)),
          measured(CODES.lowerUncertainty, ml(volumeMl - intervalMl.low)),
        ]
      : []),
    ...(changePercent
      ? [measured(CODES.differenceInSize, percent(changePercent.sincePrevious), 'Since the previous study')]
      : []),
    ...(changePercent?.sinceFirst === undefined
      ? []
      : [measured(CODES.differenceInSize, percent(changePercent.sinceFirst), 'Since the first study')]),
    ...flags.map((flag) => ({
      code: concept(CODES.qualityFinding),
      valueCodeableConcept: concept(flagCode(flag), flagMeaning(flag)),
    })),
  ];
}
