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
      /** Tags whose values are taken; undefined: all, and the frames. */
      readonly only?: readonly string[] | undefined;
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
