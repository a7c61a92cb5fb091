import type { Code } from '../../results/codes.ts';
import type { OutgoingResult, ResultOrder } from '../result/outgoing-result.ts';
import { components, type Part, segment } from './encoding.ts';
import {
  coded,
  date,
  entity,
  entityPair,
  moment,
  patientId,
  personName,
  resultNumber,
  sex,
  studyTime,
} from './fields.ts';
import { observationFields } from './observations.ts';

export interface Hl7Names {
  readonly sendingApplication: string;
  readonly sendingFacility: string | null;
  readonly receivingApplication: string | null;
  readonly receivingFacility: string | null;
  /** P, T or D (table 0103). */
  readonly processingId: string;
  /** Assigning authority of patients whose images name none: an HD with & between its parts. */
  readonly assigningAuthority: string | null;
}

/**
 * Result status of the order (table 0123). A withdrawal corrects what was reported: X would say that the
 * order was canceled, and with it the doctor's own order.
 */
const OBR_STATUS = { finished: 'P', reissued: 'C', corrected: 'C', withdrawn: 'C' } as const satisfies Record<
  OutgoingResult['change'],
  string
>;

/** What is reported where the images do not say what was ordered. */
const ANY_STUDY: Code = { value: '18748-4', scheme: 'LN', meaning: 'Diagnostic imaging study' };

/**
 * A result as HL7 v2.5.1 ORU^R01 (chapter 7), in UTF-8, segments ended by CR. The same result gives the
 * same message, to the last byte. Each result of a study is an observation of its own (OBR-3), whose parent
 * is what was ordered (OBR-29): under the order's numbers alone, T2W would take the place of T1W.
 */
export function oruMessage(result: OutgoingResult, names: Hl7Names): string {
  const { change, at, patient, study } = result;
  // Where a study answers several orders, the result is filed under the first: once.
  const [order] = result.orders;
  const accession = order?.accession;
  const filler = components(resultNumber(result), names.sendingApplication);
  const segments = [
    segment('MSH', {
      3: names.sendingApplication,
      4: names.sendingFacility ?? undefined,
      5: names.receivingApplication ?? undefined,
      6: names.receivingFacility ?? undefined,
      7: moment(at),
      9: components('ORU', 'R01', 'ORU_R01'),
      10: result.messageId,
      11: names.processingId,
      12: '2.5.1',
      18: 'UNICODE UTF-8',
    }),
    segment('PID', {
      1: '1',
      3: patientId(patient.id, names.assigningAuthority),
      5: personName(patient.name),
      7: date(patient.birthDate),
      8: sex(patient.sex),
    }),
    segment('ORC', { 1: 'RE', 2: entity(order?.placer), 3: filler }),
    segment('OBR', {
      1: '1',
      2: entity(order?.placer),
      3: filler,
      4: procedure(order, study.description),
      7: studyTime(result),
      18: accession?.value,
      19: order?.procedureId,
      22: moment(result.madeAt),
      24: 'RAD',
      25: OBR_STATUS[change],
      29: entityPair(order?.placer, order?.filler),
    }),
    ...observationFields(result).map((fields) => segment('OBX', fields)),
  ];
  return `${segments.join('\r')}\r`;
}

function procedure(order: ResultOrder | undefined, description: string | undefined): Part {
  if (order?.procedureCode) return coded(order.procedureCode);
  const words = order?.procedure ?? description;
  return words === undefined ? coded(ANY_STUDY) : components(undefined, words);
}
