import { type DicomDataset, number, numbers, text, texts } from '../../dicom/dataset.ts';

/** What the rules can ask about a series. Lengths in mm, times in ms, angles in degrees. */
export const FACT_NAMES = [
  'modality',
  'words',
  'studyWords',
  'imageType',
  'kernel',
  'sequence',
  'scanOptions',
  'bodyPart',
  'contrastAgent',
  'orientation',
  'instances',
  'numberOfFrames',
  'rows',
  'columns',
  'pixelSpacing',
  'sliceThickness',
  'repetitionTime',
  'echoTime',
  'inversionTime',
  'flipAngle',
] as const;
type FactName = (typeof FACT_NAMES)[number];
export type Facts = Readonly<Partial<Record<FactName, string | number>>>;

/** Cosine above which a slice normal counts as along a patient axis: within 30 degrees, as oblique abdominal stacks are. */
const ALONG_AXIS = Math.cos(Math.PI / 6);

/**
 * Facts about a series from the header of one of its instances and the number of its instances.
 * An attribute that is missing or unreadable gives no fact.
 */
export function factsOf(dataset: DicomDataset, instances: number): Facts {
  const all: Partial<Record<FactName, string | number | undefined>> = {
    modality: text(dataset, 'Modality'),
    words: words(dataset, ['SeriesDescription', 'ProtocolName', 'SequenceName']),
    studyWords: words(dataset, ['StudyDescription']),
    imageType: joined(dataset, ['ImageType']),
    kernel: joined(dataset, ['ConvolutionKernel']),
    sequence: joined(dataset, ['ScanningSequence', 'SequenceVariant']),
    scanOptions: joined(dataset, ['ScanOptions']),
    bodyPart: joined(dataset, ['BodyPartExamined']),
    contrastAgent: joined(dataset, ['ContrastBolusAgent']),
    orientation: orientation(dataset),
    instances,
    numberOfFrames: number(dataset, 'NumberOfFrames'),
    rows: number(dataset, 'Rows'),
    columns: number(dataset, 'Columns'),
    pixelSpacing: numbers(dataset, 'PixelSpacing')[0],
    sliceThickness: number(dataset, 'SliceThickness'),
    repetitionTime: number(dataset, 'RepetitionTime'),
    echoTime: number(dataset, 'EchoTime'),
    inversionTime: number(dataset, 'InversionTime'),
    flipAngle: number(dataset, 'FlipAngle'),
  };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [FactName, string | number] => entry[1] !== undefined),
  );
}

function joined(dataset: DicomDataset, keywords: readonly string[]): string | undefined {
  const all = keywords.flatMap((keyword) => texts(dataset, keyword));
  return all.length > 0 ? all.join('\\') : undefined;
}

/** Descriptions as one line of lower-case words: accents composed, punctuation and underscores as spaces. */
function words(dataset: DicomDataset, keywords: readonly string[]): string | undefined {
  return joined(dataset, keywords)
    ?.normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}+*.]+/gu, ' ')
    .trim();
}

/** axial, coronal, sagittal or oblique, by the slice normal (PS3.3 C.7.6.2.1.1). */
function orientation(dataset: DicomDataset): string | undefined {
  const directions = numbers(dataset, 'ImageOrientationPatient');
  if (directions.length !== 6) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = directions;
  const normal = [b * f - c * e, c * d - a * f, a * e - b * d].map(Math.abs);
  const axis = normal.findIndex((component) => component >= ALONG_AXIS);
  return ['sagittal', 'coronal', 'axial'][axis] ?? 'oblique';
}
