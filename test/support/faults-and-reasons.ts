import { FAULTS, type Fault, type Operation } from './fault-proxy.ts';
import type { StudyEnd } from './faulty-archive.ts';

/** The operations of a run on one study, in their order. */
const RUN_OPERATIONS = [
  'series', // what is in the study
  'seriesMetadata', // selection
  'retrieveSeries',
  'instanceMetadata', // whether a result is there already
  'store',
  'instances', // whether it is there now
  'retrieveInstance', // the SEG, fetched back
] as const satisfies readonly Operation[];
type RunOperation = (typeof RUN_OPERATIONS)[number];

const STORE_FAULTS: readonly Fault[] = FAULTS.filter((fault) => fault.startsWith('storedSome'));
const MULTIPART: readonly RunOperation[] = ['retrieveSeries', 'retrieveInstance'];

/** Whether a fault can happen to an operation, and makes a difference to it. */
function canHappen(operation: RunOperation, fault: Fault): boolean {
  if (STORE_FAULTS.includes(fault) || fault === 'resetInRequest') return operation === 'store';
  if (fault === 'wrongBoundary') return MULTIPART.includes(operation);
  // DICOM has no checksums: a voxel that is another one shows only where the node knows what it must be.
  if (fault === 'corrupted') return operation === 'retrieveInstance';
  return true;
}

export interface Incident {
  readonly operation: RunOperation;
  readonly fault: Fault;
}

/** Each fault at each operation that it can happen to. */
export const INCIDENTS: readonly Incident[] = FAULTS.flatMap((fault) =>
  RUN_OPERATIONS.filter((operation) => canHappen(operation, fault)).map((operation) => ({
    operation,
    fault,
  })),
);

/** Faults of an answer to what the archive has done: the next try finds the results there. */
const AFTER_THE_WORK: readonly Fault[] = ['resetInAnswer', 'stalledHalfway', 'truncated'];

/** Answers of an archive that has what is asked for in another way. */
const HAD_OTHERWISE: readonly Fault[] = ['status500', 'htmlPage', 'wrongBoundary'];
const HAS_ANOTHER_WAY: readonly RunOperation[] = [
  'seriesMetadata',
  'retrieveSeries',
  'instanceMetadata',
  'retrieveInstance',
];

/** Whether a study can't be done while the incident happens again and again. */
export function isLasting({ operation, fault }: Incident): boolean {
  if (operation === 'instances') return false;
  if (HAS_ANOTHER_WAY.includes(operation) && HAD_OTHERWISE.includes(fault)) return false;
  if (['seriesMetadata', 'retrieveInstance'].includes(operation) && fault === 'truncated') return false;
  // That an instance is not there is said by the status alone, whatever becomes of the body.
  const endsWithHead = operation === 'store' || operation === 'instanceMetadata';
  return !endsWithHead || !AFTER_THE_WORK.includes(fault);
}

/** One of each fault; another `shift` gives other operations. */
export function sampleIncidents(incidents: readonly Incident[], shift: number): Incident[] {
  return FAULTS.flatMap((fault, index) => {
    const possible = incidents.filter((incident) => incident.fault === fault);
    return possible[(index + shift) % possible.length] ?? [];
  });
}

/** Twelve images, one SEG and one SR: nothing missing, nothing double. */
export const COMPLETE = { CT: 12, SEG: 1, SR: 1 };

/** For messages. */
export function words(incident: Incident | undefined, { details }: StudyEnd): string {
  const { state, reason = '' } = details?.study ?? { state: 'unknown' };
  return `${incident?.fault} at ${incident?.operation}: ${state}: ${reason}`;
}

type Reason = readonly [code: string, words: RegExp];

const NO_CONNECTION: Reason = [
  'DICOM_WEB_UNREACHABLE',
  /^the archive did not answer: .*(ECONNRE|EPIPE|socket hang up|in the middle of the answer)/,
];
const TOO_SLOW: Reason = [
  'DICOM_WEB_UNREACHABLE',
  /^the archive did not answer: .*no (answer|data) within 2 s/,
];
const NOT_DICOMWEB: Reason = ['DICOM_WEB_ANSWER', /^the archive gave an answer that cannot be used: /];
// A later try sends only what is missing.
const NOT_KEPT: Reason = [
  'DICOM_STORE_INCOMPLETE',
  /^the archive did not keep all results: 1 of [12] instances/,
];
const statusReason = (status: number): Reason => [
  'DICOM_WEB_STATUS',
  new RegExp(`^the archive answered with an error: .* status ${status}`),
];

/** Code and words of the reason where a fault happens again and again. */
export const REASONS: Readonly<Record<Fault, Reason>> = {
  refused: NO_CONNECTION,
  resetInRequest: NO_CONNECTION,
  resetInAnswer: NO_CONNECTION,
  status500: statusReason(500),
  status503: statusReason(503),
  status429: statusReason(429),
  stalled: TOO_SLOW,
  stalledHalfway: TOO_SLOW,
  truncated: NOT_DICOMWEB,
  wrongBoundary: ['DICOM_WEB_ANSWER', /not delimited by its boundary/],
  htmlPage: NOT_DICOMWEB,
  corrupted: ['DICOM_STORE_INCOMPLETE', /differs from the mask that was stored/],
  storedSome202: NOT_KEPT,
  storedSome409: NOT_KEPT,
  storedSome400: NOT_KEPT,
  storedSomeSilently: NOT_KEPT,
};

/** As `REASONS`, at an operation: an answer to STOW-RS that says nothing is looked behind. */
export function reasonOf({ operation, fault }: Incident): Reason {
  if (operation !== 'store' || fault !== 'htmlPage') return REASONS[fault];
  return ['DICOM_STORE_INCOMPLETE', /not in the archive after storing: .*it answered 200: Sign in/];
}
