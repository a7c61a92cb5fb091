export interface InstanceReference {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  /** Counted from 1; undefined where all of the instance is meant. */
  readonly frameNumber?: number | undefined;
}

/** An instance or a frame of it as an item of a sequence (Image SOP Instance Reference Macro, PS3.3 10.3). */
export const referenceTo = ({ sopClassUid, sopInstanceUid, frameNumber }: InstanceReference) => ({
  ReferencedSOPClassUID: sopClassUid,
  ReferencedSOPInstanceUID: sopInstanceUid,
  ...(frameNumber === undefined ? {} : { ReferencedFrameNumber: String(frameNumber) }),
});
