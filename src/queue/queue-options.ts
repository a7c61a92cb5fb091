export interface QueueOptions {
  /** How often a passing failure is tried again. */
  readonly retryLimit: number;
  /** Pause before the first retry; it doubles each time, with jitter, up to `retryDelayMaxSeconds`. */
  readonly retryDelaySeconds: number;
  readonly retryDelayMaxSeconds: number;
  /** How often to look for jobs; those added by the same process are taken at once, whatever it says. */
  readonly pollingSeconds: number;
  /** Longest time that work on one study may take; less than 24 hours. */
  readonly jobTimeoutSeconds: number;
  /** On a server: a process that says nothing for so long is dead, and its study goes to another. */
  readonly heartbeatSeconds: number;
  /** So long a job is kept that is over. */
  readonly finishedSeconds: number;
  /** How many processes a study may cost before it is given up. */
  readonly takeoverLimit: number;
}

export const QUEUE_DEFAULTS = {
  retryLimit: 8,
  retryDelaySeconds: 30,
  retryDelayMaxSeconds: 1_800,
  pollingSeconds: 2,
  jobTimeoutSeconds: 4 * 3_600,
  heartbeatSeconds: 60,
  finishedSeconds: 7 * 86_400,
  takeoverLimit: 10,
} as const;
