/**
 * Versions of what results hold. 3 is what version 0.1.0 wrote; it is still written for one purpose: a result
 * that stands in the archive, or was lost from it, is made again byte for byte in the format that it has.
 */
export const RESULT_FORMATS = ['3', '4'] as const;
export type ResultFormat = (typeof RESULT_FORMATS)[number];

/** What is written now. Raise it when what is written for the same work changes. */
export const RESULT_FORMAT: ResultFormat = '4';

/** The newest first: in which one a result was written is tried in this order. */
export const FORMATS_TO_TRY: readonly ResultFormat[] = RESULT_FORMATS.toReversed();

/** Left out: the present one. */
export interface OfFormat {
  readonly format?: ResultFormat | undefined;
}

export const isFormat3 = ({ format }: OfFormat): boolean => format === '3';
