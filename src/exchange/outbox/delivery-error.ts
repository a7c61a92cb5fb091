/**
 * Why a message could not be delivered. `later`: the other side is not there, or not able just now; it is
 * tried again for as long as it takes. `unwilling`: it has the message and did not take it, without saying
 * that it never will: it is tried for more than a day. `refused`: it never will, or there is nothing that
 * could be sent.
 */
export type DeliveryFailure = 'later' | 'unwilling' | 'refused';

export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
  readonly failure: DeliveryFailure;
  /** The other side wants to be left alone for so long. */
  readonly pauseMs: number | undefined;

  constructor(
    failure: DeliveryFailure,
    message: string,
    options: { cause?: unknown; pauseMs?: number | undefined } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.failure = failure;
    this.pauseMs = options.pauseMs;
  }
}
