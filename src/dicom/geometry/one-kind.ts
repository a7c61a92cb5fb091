import { type DicomDataset, text, texts } from '../reading/dataset.ts';
import { modalityOf } from './image-checks.ts';

/** Something that all images of one volume have in common, and why. */
interface Kind {
  /** What messages and names of parts call it. */
  readonly label: string;
  readonly valueOf: (attributes: DicomDataset) => string;
  readonly because: string;
}

/** Numbers that are written from a measurement or in other digits: these many are compared. */
const DIGITS = 3;

/** The first of the attributes that is there, as text. */
function written(attributes: DicomDataset, keywords: readonly string[]): string {
  const keyword = keywords.find((one) => texts(attributes, one).length > 0);
  return keyword === undefined ? '' : texts(attributes, keyword).join('\\');
}

const words =
  (...keywords: readonly string[]) =>
  (attributes: DicomDataset): string =>
    written(attributes, keywords);

/** 120, 120.0 and 1.2e2 are one value. */
const figures =
  (...keywords: readonly string[]) =>
  (attributes: DicomDataset): string =>
    written(attributes, keywords)
      .split('\\')
      .map((value) => {
        const figure = Number(value);
        return value === '' || !Number.isFinite(figure) ? value : String(Number(figure.toPrecision(DIGITS)));
      })
      .join('\\');

/** PS3.3 C.7.6.1.1.2, C.8.16.1: values 1 and 2 say how an image came about, from 3 on what it shows. */
function shown(attributes: DicomDataset): string {
  const values = texts(attributes, 'FrameType').length > 0 ? 'FrameType' : 'ImageType';
  return texts(attributes, values).slice(2).join('\\');
}

/** CT without it has HU (PS3.3 C.11.1.1.2), MR no unit; some writers say so, for some of the images. */
function unit(attributes: DicomDataset): string {
  const stated = text(attributes, 'RescaleType');
  const usual = modalityOf(attributes) === 'CT' ? 'HU' : 'US';
  return stated === undefined ? usual : stated;
}

/** b-values stand under the standard's attribute or those of Siemens, Philips and United Imaging. */
const B_VALUE = ['DiffusionBValue', '0019100C', '20011003', '00651009'] as const;

/**
 * What must be equal within a volume, whatever the places of its images say: a slice of another kind at an
 * even place makes a volume that looks right and is wrong. What may run on from slice to slice (times, table
 * and tube, numbers of acquisitions) is not here; nor is what the grid needs: the geometry asks for that.
 */
const KINDS: readonly Kind[] = [
  { label: 'Modality', valueOf: (one) => modalityOf(one) ?? '', because: 'CT numbers are no MR signal' },
  {
    label: 'FrameOfReferenceUID',
    valueOf: words('FrameOfReferenceUID'),
    because: 'places in two coordinate systems have nothing to do with each other',
  },
  { label: 'ImageType', valueOf: shown, because: 'it says what is shown: magnitude or phase, water or fat' },
  { label: 'RescaleType', valueOf: unit, because: 'HU and mg/ml are not on one scale' },
  {
    label: 'ComplexImageComponent',
    valueOf: words('ComplexImageComponent'),
    because: 'magnitude and phase are different things',
  },
  {
    label: 'AcquisitionContrast',
    valueOf: words('AcquisitionContrast'),
    because: 'T1 and T2 images show tissue differently',
  },
  {
    label: 'VolumeBasedCalculationTechnique',
    valueOf: words('VolumeBasedCalculationTechnique'),
    because: 'a projection is no slice',
  },
  {
    label: 'EchoTime',
    valueOf: figures('EffectiveEchoTime', 'EchoTime'),
    because: 'each echo has its own contrast',
  },
  { label: 'EchoNumbers', valueOf: figures('EchoNumbers'), because: 'each echo has its own contrast' },
  {
    label: 'InversionTime',
    valueOf: figures('InversionTime', 'InversionTimes'),
    because: 'it decides which tissue is dark',
  },
  { label: 'FlipAngle', valueOf: figures('FlipAngle'), because: 'it decides how much T1 shows' },
  { label: 'b-value', valueOf: figures(...B_VALUE), because: 'diffusion weighting darkens tissue' },
  {
    label: 'DiffusionDirectionality',
    valueOf: words('DiffusionDirectionality'),
    because: 'a trace is no image of one direction',
  },
  {
    label: 'TemporalPositionIdentifier',
    valueOf: figures('TemporalPositionIdentifier', 'TemporalPositionIndex'),
    because: 'contrast medium arrives and goes',
  },
  {
    label: 'ConvolutionKernel',
    valueOf: words('ConvolutionKernel'),
    because: 'noise and edges depend on it',
  },
  { label: 'KVP', valueOf: figures('KVP'), because: 'CT numbers of contrast medium depend on it' },
  {
    label: 'ContrastBolusAgent',
    valueOf: words('ContrastBolusAgent'),
    because: 'images before and after contrast medium are different',
  },
];

/** Images of one kind, named by what they have to themselves. */
export interface KindGroup<Image> {
  readonly name: string;
  readonly images: readonly Image[];
}

interface HasAttributes {
  readonly attributes: DicomDataset;
}

/** Of values such as `M\NORM\DIS2D` only the words that not all of them have. */
export function ownWords(values: readonly string[]): string[] {
  const split = values.map((value) => value.split('\\'));
  const own = split.map((all) =>
    all.filter((word) => !split.every((other) => other.includes(word))).join('\\'),
  );
  return new Set(own).size === values.length ? own : [...values];
}

/** By the first attribute in which images differ that may not; one group where there is none. */
export function firstDifference<Image extends HasAttributes>(images: readonly Image[]): KindGroup<Image>[] {
  for (const { label, valueOf } of KINDS) {
    const groups = Map.groupBy(images, ({ attributes }) => valueOf(attributes));
    if (groups.size < 2) continue;
    const values = [...groups.keys()].sort();
    const own = ownWords(values);
    return values.map((value, i) => ({
      name: `${label} ${own[i] || 'none'}`,
      images: groups.get(value) ?? [],
    }));
  }
  return [{ name: '', images }];
}

/** How many values a message names. */
const EXAMPLES = 4;

/** In what images differ that may not, and why; undefined where they are of one kind. */
export function kindProblem(images: readonly HasAttributes[]): string | undefined {
  const problems = KINDS.flatMap(({ label, valueOf, because }) => {
    const groups = Map.groupBy(images, ({ attributes }) => valueOf(attributes));
    if (groups.size < 2) return [];
    const counts = [...groups].sort(([, a], [, b]) => b.length - a.length);
    const examples = counts.slice(0, EXAMPLES).map(([value, own]) => `${value || 'none'}: ${own.length}`);
    return [`${label} (${examples.join(', ')}${groups.size > EXAMPLES ? ', ...' : ''}; ${because})`];
  });
  return problems.length === 0 ? undefined : `its images differ in ${problems.join(', ')}`;
}
