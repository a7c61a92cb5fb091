import { type DicomDataset, text, texts } from '../dicom/reading/dataset.ts';
import { CODES } from '../results/codes.ts';
import { IMAGE_CLASSES, type ImageClass } from '../results/result-context.ts';
import { DESCRIBED_NAME, DESCRIBED_VERSION } from './algorithm.ts';
import { child, children } from './read-items.ts';

/**
 * The network that a report names, and what it was run on; undefined where the report's version did not say
 * it.
 */
export interface ReadAlgorithm {
  readonly name: string;
  readonly version: string;
  readonly sha256: string | undefined;
  readonly mode: string | undefined;
  readonly images: ImageClass | undefined;
  /** Which part of its series; undefined where the series is one volume. */
  readonly part: string | undefined;
}

/**
 * Reads an algorithm identification (TID 4019) and what `algorithmParameters` writes; undefined where there
 * is none.
 */
export function readAlgorithm(parent: DicomDataset): ReadAlgorithm | undefined {
  const parameters = valuesIn(children(parent, CODES.algorithmParameters));
  return algorithmOf(
    text(child(parent, CODES.algorithmName), 'TextValue'),
    text(child(parent, CODES.algorithmVersion), 'TextValue'),
    parameters,
  );
}

/** Reads what `algorithmDescription` writes. */
export function readDescribedAlgorithm(section: DicomDataset): ReadAlgorithm | undefined {
  const value = valuesIn(children(section, CODES.procedureDescription));
  return algorithmOf(value(DESCRIBED_NAME), value(DESCRIBED_VERSION), value);
}

type Values = (key: string) => string | undefined;

/** The values of texts in the form `key: value`. */
function valuesIn(items: readonly DicomDataset[]): Values {
  const all = items.flatMap((item) => texts(item, 'TextValue'));
  return (key) => {
    const prefix = `${key}: `;
    return all.find((one) => one.startsWith(prefix))?.slice(prefix.length);
  };
}

function algorithmOf(
  name: string | undefined,
  version: string | undefined,
  value: Values,
): ReadAlgorithm | undefined {
  if (name === undefined || version === undefined) return undefined;
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
