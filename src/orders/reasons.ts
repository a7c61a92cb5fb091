import type { Code } from '../results/codes.ts';

const dcm = (value: string, meaning: string): Code => ({ value, scheme: 'DCM', meaning });

/** Why an order is not completed: CID 9300 Procedure Discontinuation Reason. */
export const DISCONTINUATION = {
  unspecified: dcm('110513', 'Discontinued for unspecified reason'),
  incorrectlyFormatted: dcm('110521', 'Objects incorrectly formatted'),
  notSupported: dcm('110522', 'Object Types not supported'),
  incomplete: dcm('110523', 'Object Set incomplete'),
  resourceInadequate: dcm('110527', 'Resource inadequate'),
} as const satisfies Record<string, Code>;

export type Discontinuation = keyof typeof DISCONTINUATION;

/** What the codes of failures of a study mean to who ordered it; of others nothing is said. */
const OF_FAILURES: Readonly<Record<string, Discontinuation>> = {
  DICOM_UNREADABLE: 'incorrectlyFormatted',
  DICOM_ATTRIBUTE: 'incorrectlyFormatted',
  DICOM_GEOMETRY: 'incorrectlyFormatted',
  PATIENTS_MIXED: 'incorrectlyFormatted',
  VOLUME_UNUSABLE: 'incorrectlyFormatted',
  DICOM_TRANSFER_SYNTAX: 'notSupported',
  MODEL_MISSING: 'resourceInadequate',
  MODEL_INVALID: 'resourceInadequate',
  MODEL_CHANGED: 'resourceInadequate',
  INFERENCE_FAILED: 'resourceInadequate',
  STAGE_TIMEOUT: 'resourceInadequate',
  STAGE_TOO_SLOW: 'resourceInadequate',
  STUDY_TIMEOUT: 'resourceInadequate',
  STUDY_CRASHES: 'resourceInadequate',
};

export const discontinuationOf = (errorCode: string | undefined): Discontinuation =>
  OF_FAILURES[errorCode ?? ''] ?? 'unspecified';
