import { type DicomDataset, text, texts } from '../dicom/dataset.ts';
import { CODES } from '../dicom/results/codes.ts';
import { IMAGE_CLASSES, type ImageClass } from '../dicom/results/result-context.ts';
import { child, children } from './read-items.ts';

/** The network that a report names, and what it was run on; undefined where the report's version did not say it. */
export interface ReadAlgorithm {
  readonly name: string;
  readonly version: string;
  readonly sha256: string | undefined;
  readonly mode: string | undefined;
  readonly images: ImageClass | undefined;
  /** Which part of its series; undefined where the series is one volume. */
  readonly part: string | undefined;
}

/** Reads an algorithm identification (TID 4019) and what `algorithmParameters` writes; undefined where there is none. */
export function readAlgorithm(parent: DicomDataset): ReadAlgorithm | undefined {
  const name = text(child(parent, CODES.algorithmName), 'TextValue');
  const version = text(child(parent, CODES.algorithmVersion), 'TextValue');
  if (name === undefined || version === undefined) return undefined;
  const parameters = children(parent, CODES.algorithmParameters).flatMap((item) => texts(item, 'TextValue'));
  const value = (key: string): string | undefined => {
    const prefix = `${key}: `;
    return parameters.find((parameter) => parameter.startsWith(prefix))?.slice(prefix.length);
  };
  const stated = value('images');
  const named = value('title') ?? name;
  return {
    name,
    version,
    sha256: value('weights sha256'),
    mode: value('mode'),
    // Format 1 did not state it, but models were called by it.
    images: IMAGE_CLASSES.find((one) => (stated === undefined ? named.includes(one) : stated === one)),
    part: value('part'),
  };
}
