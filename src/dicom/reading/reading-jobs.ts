import type { Instance } from './dataset.ts';
import type { PackedDataset } from './in-pieces.ts';
import type { InstanceFile } from './instance-file.ts';

/** What a reading worker is sent. */
export type ReadingJob =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly only: readonly string[];
      readonly source: string;
    }
  | {
      readonly kind: 'bytes';
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly source: string;
      /** `header`: without frames, what comes behind it may be missing. A list: the values of these tags. */
      readonly wanted: 'all' | 'header' | readonly string[];
      /** That it may become where it is deflated. */
      readonly mostBytes?: number | undefined;
    }
  | { readonly kind: 'json'; readonly text: Uint8Array<ArrayBuffer>; readonly source: string };

export type ReadingResult =
  | { readonly kind: 'file'; readonly file: InstanceFile }
  | {
      readonly kind: 'bytes';
      readonly instance: Omit<Instance, 'dataset'>;
      readonly dataset: PackedDataset;
      /** The bytes that came, where only some tags were wanted. */
      readonly bytes?: Uint8Array<ArrayBuffer>;
    }
  | {
      readonly kind: 'json';
      /** Undefined where it is no data set. */
      readonly dataset: PackedDataset | undefined;
      readonly lacksValues: boolean;
    };
