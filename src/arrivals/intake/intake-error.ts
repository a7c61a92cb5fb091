/** Why an instance was not taken. */
export type IntakeRefusal =
  | 'full' // the spool has no room, or the disk too little: later there may be
  | 'too-large' // more bytes than an instance may have
  | 'unreadable' // not DICOM, cut off, without UIDs
  | 'wrong-study'; // not of the study, or not the instance, that the sender said it is

/** The sender is told that the instance was not stored. Of its values the message names UIDs only. */
export class IntakeError extends Error {
  override readonly name = 'IntakeError';
  readonly refusal: IntakeRefusal;
  /** Where the instance could be read that far. */
  readonly sopUid: string | undefined;
  readonly sopClassUid: string | undefined;

  constructor(
    refusal: IntakeRefusal,
    message: string,
    uids: { readonly sopUid?: string | undefined; readonly sopClassUid?: string | undefined } = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.refusal = refusal;
    this.sopUid = uids.sopUid;
    this.sopClassUid = uids.sopClassUid;
  }
}
