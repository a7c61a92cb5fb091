import { CodedError } from '../coded-error.ts';

/** Why a NIfTI file could not be read. The code is stable; the message names the file and is for people. */
const NIFTI_ERROR_CODES = [
  'NIFTI_UNREADABLE', // the file is not there, or the system does not let it be read
  'NIFTI_FORMAT', // not a NIfTI-1 or NIfTI-2 file with its voxels inside
  'NIFTI_DIMENSIONS', // not one 3-D volume, or one too large
  'NIFTI_DATATYPE', // the voxels are not single real numbers of a usual type
  'NIFTI_SCALING', // scl_slope and scl_inter do not say how stored values become real ones
  'NIFTI_GEOMETRY', // size and place of the voxels are impossible or contradict each other
  'NIFTI_DAMAGED', // cut off, damaged by compression, or longer than its header says
] as const;

export type NiftiErrorCode = (typeof NIFTI_ERROR_CODES)[number];

export class NiftiError extends CodedError<NiftiErrorCode> {}
