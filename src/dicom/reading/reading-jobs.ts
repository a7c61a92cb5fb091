import type { Instance } from './dataset.ts';
import type { InstanceFile } from './instance-file.ts';

/** What a reading worker is sent. */
export type ReadingJob =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly only: readonly string[];
      readonly source: string;
    }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array<ArrayBuffer>; readonly source: string };

export type ReadingResult =
  | { readonly kind: 'file'; readonly file: InstanceFile }
  | { readonly kind: 'bytes'; readonly instance: Instance };
