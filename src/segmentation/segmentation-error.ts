import { CodedError } from '../coded-error.ts';

/**
 * Why a model, a checkpoint or a volume could not be used for segmentation. The code is stable; the message
 * is for people.
 */
const SEGMENTATION_ERROR_CODES = [
  'MODEL_MISSING', // no such model folder, or a file of it is not there
  'MODEL_INVALID', // model.json or a network file is not what the format says
  'MODEL_CHANGED', // a file does not match the sha256 that model.json gives
  'VOLUME_UNUSABLE', // the volume holds nothing that can be segmented
  'INFERENCE_FAILED', // the runtime failed
  'IMPORT_SOURCE', // the folder or archive to import holds no nnU-Net training output, or several
  'IMPORT_TARGET', // the imported model can't be put where it was asked for
  'CHECKPOINT_UNREADABLE', // a checkpoint is damaged, truncated or in another format
  'CHECKPOINT_REFUSED', // a checkpoint asks for something that no checkpoint needs, or for too much
  'CHECKPOINT_ARCHITECTURE', // the parameters are not those of a network that is known
  'CHECKPOINT_VALUES', // a parameter holds values that are no finite numbers
  'PLANS_INVALID', // the plans lack something, or ask for something that isn't done here
] as const;

export type SegmentationErrorCode = (typeof SEGMENTATION_ERROR_CODES)[number];

export class SegmentationError extends CodedError<SegmentationErrorCode> {}
