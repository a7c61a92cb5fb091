import { TRANSFER_SYNTAX } from '../../reading/transfer-syntaxes.ts';

/** PS3.4 annexes A, C and J. */
export const SERVICE = {
  verification: '1.2.840.10008.1.1',
  storageCommitment: '1.2.840.10008.1.20.1',
  studyFind: '1.2.840.10008.5.1.4.1.2.2.1',
  studyMove: '1.2.840.10008.5.1.4.1.2.2.2',
  studyGet: '1.2.840.10008.5.1.4.1.2.2.3',
} as const;
/** The well-known instance of the Storage Commitment Push Model (PS3.4 section J.3.5). */
export const STORAGE_COMMITMENT_INSTANCE = '1.2.840.10008.1.20.1.1';

const STANDARD_CLASSES = '1.2.840.10008.';
/** PS3.4 table B.5-1. */
const STORAGE_CLASSES = '1.2.840.10008.5.1.4.1.1.';

/** Whether instances are of this class: one of the standard, or a manufacturer's own. */
export const isStorageClass = (uid: string): boolean =>
  uid.startsWith(STORAGE_CLASSES) || !uid.startsWith(STANDARD_CLASSES);

/**
 * What is proposed where an archive does not tell the SOP classes of a series: images of CT and MR, and what
 * may stand beside them.
 */
export const USUAL_CLASSES: readonly string[] = [
  '1.2.840.10008.5.1.4.1.1.2', // CT
  '1.2.840.10008.5.1.4.1.1.2.1', // Enhanced CT
  '1.2.840.10008.5.1.4.1.1.4', // MR
  '1.2.840.10008.5.1.4.1.1.4.1', // Enhanced MR
  '1.2.840.10008.5.1.4.1.1.66.4', // Segmentation
  '1.2.840.10008.5.1.4.1.1.88.33', // Comprehensive SR
  '1.2.840.10008.5.1.4.1.1.88.59', // Key Object Selection
];

/** Every transfer syntax that may be stored of images and can be read, the uncompressed ones first. */
export const RETRIEVED_SYNTAXES: readonly string[] = [
  TRANSFER_SYNTAX.explicitLittleEndian,
  TRANSFER_SYNTAX.implicitLittleEndian,
  TRANSFER_SYNTAX.jpeg2000Lossless,
  TRANSFER_SYNTAX.jpegLosslessSv1,
  TRANSFER_SYNTAX.jpegLsLossless,
  TRANSFER_SYNTAX.rleLossless,
  TRANSFER_SYNTAX.jpegLossless,
  TRANSFER_SYNTAX.jpeg2000,
  TRANSFER_SYNTAX.jpegLsNearLossless,
  TRANSFER_SYNTAX.jpegBaseline,
  TRANSFER_SYNTAX.jpegExtended,
  TRANSFER_SYNTAX.htj2kLossless,
  TRANSFER_SYNTAX.htj2kLosslessRpcl,
  TRANSFER_SYNTAX.htj2k,
  TRANSFER_SYNTAX.deflated,
  TRANSFER_SYNTAX.explicitBigEndian,
  TRANSFER_SYNTAX.jpegSpectralSelection,
  TRANSFER_SYNTAX.jpegFullProgression,
];
