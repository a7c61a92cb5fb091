/** Why a model or a volume could not be used for segmentation. The code is stable; the message is for people. */
export const SEGMENTATION_ERROR_CODES = [
  'MODEL_MISSING', // no such model folder, or a file of it is not there
  'MODEL_INVALID', // model.json or a network file is not what the format says
  'MODEL_CHANGED', // a file does not match the sha256 that model.json gives
  'VOLUME_UNUSABLE', // the volume holds nothing that can be segmented
  'INFERENCE_FAILED', // the runtime failed
] as const;

export type SegmentationErrorCode = (typeof SEGMENTATION_ERROR_CODES)[number];

export class SegmentationError extends Error {
  override readonly name = 'SegmentationError';
  readonly code: SegmentationErrorCode;

  constructor(code: SegmentationErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
