import { FAULTS, type Fault, type Operation } from './fault-proxy.ts';
import type { StudyEnd } from './faulty-archive.ts';

/** The operations of a run on one study, in their order. */
export const RUN_OPERATIONS = [
  'series', // what is in the study
  'seriesMetadata', // selection
  'retrieveSeries',
  'instanceMetadata', // whether a result is there already
  'store',
  'instances', // whether it is there now
  'retrieveInstance', // the SEG, fetched back
] as const satisfies readonly Operation[];
export type RunOperation = (typeof RUN_OPERATIONS)[number];

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

/** One incident of each fault; another `shift` gives other operations. */
export function sampleIncidents(shift: number): Incident[] {
  return FAULTS.flatMap((fault, index) => {
    const possible = INCIDENTS.filter((incident) => incident.fault === fault);
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

/** Code and words of the reason where an incident happens again and again. */
export function reasonOf({ operation, fault }: Incident): readonly [code: string, words: RegExp] {
  switch (fault) {
    case 'refused':
    case 'resetInRequest':
      return ['DICOM_WEB_UNREACHABLE', /^the archive did not answer: .*(ECONNRE|EPIPE|socket hang up)/];
    case 'resetInAnswer':
      return [
        'DICOM_WEB_UNREACHABLE',
        /^the archive did not answer: .*(ECONNRE|in the middle of the answer)/,
      ];
    case 'stalled':
    case 'stalledHalfway':
      return ['DICOM_WEB_UNREACHABLE', /^the archive did not answer: .*no (answer|data) within 2 s/];
    case 'status500':
    case 'status503':
    case 'status429': {
      const status = fault.slice('status'.length);
      return ['DICOM_WEB_STATUS', new RegExp(`^the archive answered with an error: .* status ${status}`)];
    }
    case 'truncated':
      return MULTIPART.includes(operation)
        ? ['DICOM_WEB_ANSWER', /ends before its closing delimiter/]
        : ['DICOM_WEB_ANSWER', /^the archive gave an answer that is not DICOMweb: /];
    case 'wrongBoundary':
      return ['DICOM_WEB_ANSWER', /not delimited by its boundary/];
    case 'htmlPage':
      return ['DICOM_WEB_ANSWER', /^the archive gave an answer that is not DICOMweb: /];
    case 'corrupted':
      return ['DICOM_STORE_INCOMPLETE', /differs from the mask that was stored/];
    case 'storedSome202':
    case 'storedSome409':
    case 'storedSome400':
    case 'storedSomeSilently':
      return ['DICOM_STORE_INCOMPLETE', /^the archive did not keep all results: 1 of 2 instances/];
  }
}
