/** Where the voxels of a case come from. Paths are absolute. */
export type ImageSource =
  | { readonly kind: 'nifti'; readonly file: string }
  | {
      readonly kind: 'dicom';
      readonly files: readonly string[];
      /** Keys of the images to take, of a series that holds several volumes; undefined: all. */
      readonly part: readonly string[] | undefined;
    };

/** A mask: a label map, or a SEG that is laid on the planes of the case's image. */
export type MaskSource =
  | { readonly kind: 'nifti'; readonly file: string }
  | { readonly kind: 'seg'; readonly file: string };

/** One case, by its name in the folders. */
export interface CaseSource {
  readonly name: string;
  readonly image: ImageSource | undefined;
  readonly label: MaskSource | undefined;
  /** Undefined where the model has still to make it. */
  readonly prediction: MaskSource | undefined;
  readonly against: MaskSource | undefined;
  /** One for each folder of `--raters`, in their order. */
  readonly raters: readonly (MaskSource | undefined)[];
}

/** How masks are read. */
export interface MaskReading {
  /** Values of label maps that are the pancreas; undefined: all above 0. */
  readonly labelValues: readonly number[] | undefined;
  /** Of predictions; undefined: all above 0. */
  readonly predictionValues: readonly number[] | undefined;
  /** Whether masks on other grids than the label's are laid on it, by nearest voxels; else refused. */
  readonly resample: boolean;
}

/** Every file of a case, each once. */
export function filesOf({ image, label, prediction, against, raters }: CaseSource): string[] {
  const masks = [label, prediction, against, ...raters].flatMap((mask) => (mask ? [mask.file] : []));
  const images = image === undefined ? [] : image.kind === 'nifti' ? [image.file] : image.files;
  return [...new Set([...images, ...masks])];
}
