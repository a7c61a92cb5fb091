import { type DicomDataset, number, numbers, sequence, text, texts } from '../../dicom/reading/dataset.ts';
import { type Point, type Stack, stackOf } from './stack.ts';
import { folded } from './words.ts';

/** Facts that one series has in itself. Lengths in mm, times in ms (of the clock: s), angles in degrees. */
const SERIES_FACTS = [
  // words, folded
  'words',
  'protocolWords',
  'studyWords',
  // attributes
  'modality',
  'sopClass',
  'manufacturer',
  'manufacturerModel',
  'kVp',
  'imageType',
  'bodyPart',
  'patientPosition',
  'age',
  'kernel',
  'scanOptions',
  'sequence',
  'variant',
  'sequenceName',
  'acquisitionType',
  'acquisitionContrast',
  'fatSuppression',
  'contrastAgent',
  'rescaleType',
  'colour',
  'captured',
  'frameOfReference',
  'fieldStrength',
  'windowCenter',
  'keV',
  'rows',
  'columns',
  'pixelSpacing',
  'sliceThickness',
  'repetitionTime',
  'echoTime',
  'inversionTime',
  'flipAngle',
  'echoTrainLength',
  'bValue',
  'acquisitionTime',
  'injectionTime',
  // geometry
  'orientation',
  'orientations',
  'images',
  'slices',
  'volumes',
  'coverage',
  'spacing',
  'bottom',
  'top',
  'fieldOfView',
] as const;

/** Facts that need the other series of the study, or the vocabulary. */
const STUDY_FACTS = [
  'says',
  'protocolSays',
  'studySays',
  'siblingsSay',
  'order',
  'pairedEcho',
  'studyFieldOfView',
  'longest',
  'aboveBottom',
  'belowTop',
  'lungShare',
  'sharpShare',
  'breathHold',
  'obliques',
  'twins',
  'phase',
] as const;

/** What the rules can ask about a series; config/selection.yaml explains each. */
export const FACT_NAMES = [...SERIES_FACTS, ...STUDY_FACTS] as const;
export type FactName = (typeof FACT_NAMES)[number];
export type Fact = string | number | readonly string[];
export type Facts = Readonly<Partial<Record<FactName, Fact>>>;

export const numberOf = (facts: Facts, name: FactName): number | undefined => {
  const value = facts[name];
  return typeof value === 'number' ? value : undefined;
};

/** What the header of one instance does not tell. */
export interface SeriesExtent {
  /** ImagePositionPatient of every image, where they are known. */
  readonly positions?: readonly Point[] | undefined;
  /** In how many directions the images of the series look; 1 where that was not looked at. */
  readonly orientations?: number;
}

/**
 * Facts about a series, or about one part of it.
 * An attribute that is missing or unreadable gives no fact.
 * @param image header of one image; of an enhanced one, the attributes of a frame
 * @param images how many there are
 */
export function factsOf(image: DicomDataset, images: number, extent: SeriesExtent = {}): Facts {
  const header = shortened(image);
  return known({
    ...writtenWords(header),
    ...attributes(header),
    ...mrAttributes(header),
    ...geometry(header, stackOf(header, images, extent.positions)),
    orientations: extent.orientations ?? 1,
  });
}

/** No text that rules ask about is longer (ST has 1024 characters), nor any list. */
const LONGEST_TEXT = 1024;
const LONGEST_LIST = 64;

/** A header of which no value keeps the rules' expressions busy. */
function shortened(header: DicomDataset): DicomDataset {
  return Object.fromEntries(Object.entries(header).map(([keyword, value]) => [keyword, shortValue(value)]));
}

function shortValue(value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, LONGEST_TEXT);
  if (Array.isArray(value)) return value.slice(0, LONGEST_LIST).map(shortValue);
  if (typeof value !== 'object' || value === null || value instanceof ArrayBuffer) return value;
  return shortened(value as DicomDataset);
}

type Unsure = Partial<Record<FactName, Fact | undefined>>;

function known(facts: Unsure): Facts {
  const entries = Object.entries(facts).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(entries) as Facts;
}

/** The protocol stands for a description that is missing. */
function writtenWords(header: DicomDataset): Unsure {
  const description = text(header, 'SeriesDescription') ?? text(header, 'ProtocolName');
  const study = ['StudyDescription', 'RequestedProcedureDescription', 'PerformedProcedureStepDescription'];
  const words = (value: string | undefined) => (value === undefined ? undefined : folded(value));
  const joined = study.flatMap((keyword) => texts(header, keyword)).join(', ');
  return {
    words: words(description),
    protocolWords: words(text(header, 'ProtocolName')),
    studyWords: words(joined || undefined),
    keV: keV(`${description ?? ''} ${firstOf(header, ['FrameType', 'ImageType']).join(' ')}`),
  };
}

/** Energies are 40 to 200 keV; between name and number stand spaces, signs, or "E" as in MonoE. */
const ENERGY_FIRST = /(?<![\d.])(\d{2,3})[ _-]*kev/i;
const NAME_FIRST = new RegExp(
  String.raw`(?<![a-z])(?:mono(?:e|en|energ\w*|chrom\w*|plus)?|vmi|kev)` +
    String.raw`(?:[ _+=:()[\]-]|images?|at|@)*(\d{2,3})(?![\d.])(?![ _-]*(?:mm|s|%|kv))`,
  'i',
);

/** Virtual images of dual-energy CT name the photon energy that they stand for: 40 keV, Mono+ 55, VMI40. */
function keV(written: string): number | undefined {
  const found = (ENERGY_FIRST.exec(written) ?? NAME_FIRST.exec(written))?.[1];
  return found === undefined ? undefined : Number(found);
}

function attributes(header: DicomDataset): Unsure {
  const agents = [
    ...texts(header, 'ContrastBolusAgent'),
    ...sequence(header, 'ContrastBolusAgentSequence').flatMap((item) => texts(item, 'CodeMeaning')),
  ];
  const samples = number(header, 'SamplesPerPixel') ?? 1;
  return {
    modality: text(header, 'Modality'),
    sopClass: text(header, 'SOPClassUID'),
    manufacturer: text(header, 'Manufacturer'),
    manufacturerModel: text(header, 'ManufacturerModelName'),
    kVp: number(header, 'KVP'),
    imageType: firstOf(header, ['FrameType', 'ImageType']),
    bodyPart: text(header, 'BodyPartExamined'),
    patientPosition: text(header, 'PatientPosition'),
    age: ageOf(header),
    kernel: texts(header, 'ConvolutionKernel'),
    scanOptions: texts(header, 'ScanOptions'),
    contrastAgent: agents.length > 0 ? agents.join(' ') : undefined,
    rescaleType: text(header, 'RescaleType'),
    colour: samples > 1 ? 'yes' : 'no',
    captured: text(header, 'ConversionType'),
    frameOfReference: text(header, 'FrameOfReferenceUID'),
    windowCenter: number(header, 'WindowCenter'),
    acquisitionTime: secondsOf(header, ['Acquisition', 'Content', 'Series']),
    injectionTime: secondsOfDay(text(header, 'ContrastBolusStartTime')),
  };
}

const YEARS: Readonly<Record<string, number>> = { D: 1 / 365, W: 1 / 52, M: 1 / 12, Y: 1 };

/** In whole years, as the images say it (AS, PS3.5 6.2), or as the dates of study and birth do. */
function ageOf(header: DicomDataset): number | undefined {
  const [, count, unit] = /^(\d{1,3})([DWMY])$/.exec(text(header, 'PatientAge') ?? '') ?? [];
  if (count !== undefined && Number(count) > 0) return Math.floor(Number(count) * (YEARS[unit ?? ''] ?? 1));
  const born = /^\d{8}$/.exec(text(header, 'PatientBirthDate') ?? '')?.[0];
  const seen = /^\d{8}$/.exec(text(header, 'StudyDate') ?? '')?.[0];
  const age = born && seen ? Math.floor((Number(seen) - Number(born)) / 10_000) : undefined;
  return age !== undefined && age >= 0 && age <= OLDEST ? age : undefined;
}

/** Older people are wrong dates. */
const OLDEST = 120;

function mrAttributes(header: DicomDataset): Unsure {
  return {
    sequence: sequenceOf(header),
    variant: texts(header, 'SequenceVariant'),
    sequenceName: text(header, 'SequenceName') ?? text(header, 'PulseSequenceName'),
    acquisitionType: text(header, 'MRAcquisitionType'),
    acquisitionContrast: text(header, 'AcquisitionContrast'),
    fatSuppression: text(header, 'SpectrallySelectedSuppression'),
    fieldStrength: number(header, 'MagneticFieldStrength'),
    repetitionTime: number(header, 'RepetitionTime'),
    echoTime: number(header, 'EffectiveEchoTime') ?? number(header, 'EchoTime'),
    inversionTime: number(header, 'InversionTime') ?? number(header, 'InversionTimes'),
    flipAngle: number(header, 'FlipAngle'),
    echoTrainLength: number(header, 'EchoTrainLength') ?? number(header, 'RFEchoTrainLength'),
    bValue: B_VALUE.map((keyword) => number(header, keyword)).find((value) => value !== undefined),
  };
}

function firstOf(header: DicomDataset, keywords: readonly string[]): string[] {
  return keywords.map((keyword) => texts(header, keyword)).find((values) => values.length > 0) ?? [];
}

/** What enhanced MR images (PS3.3 C.8.13.4) say in place of ScanningSequence. */
const SCANNING_SEQUENCE: Readonly<Record<string, readonly string[]>> = {
  SPIN: ['SE'],
  GRADIENT: ['GR'],
  BOTH: ['SE', 'GR'],
};

function sequenceOf(header: DicomDataset): string[] {
  const classic = texts(header, 'ScanningSequence');
  if (classic.length > 0) return classic;
  const planar = text(header, 'EchoPlanarPulseSequence') === 'YES' ? ['EP'] : [];
  return [...planar, ...(SCANNING_SEQUENCE[text(header, 'EchoPulseSequence') ?? ''] ?? [])];
}

/**
 * The standard's b-value, and those of Siemens, Philips and United Imaging. GE's tag holds other things too.
 */
const B_VALUE = ['DiffusionBValue', '0019100C', '20011003', '00651009'] as const;

function geometry(header: DicomDataset, stack: Stack): Unsure {
  const rows = number(header, 'Rows');
  const columns = number(header, 'Columns');
  const [rowSpacing, columnSpacing] = numbers(header, 'PixelSpacing');
  const sides = [(rows ?? 0) * (rowSpacing ?? 0), (columns ?? 0) * (columnSpacing ?? 0)];
  const longer = Math.round(Math.max(...sides));
  return {
    rows,
    columns,
    pixelSpacing: rowSpacing,
    sliceThickness: number(header, 'SliceThickness'),
    fieldOfView: longer || undefined,
    ...stack,
  };
}

/** Seconds since 1970 of the first kind of time that the header has; without a date, of the day. */
function secondsOf(header: DicomDataset, kinds: readonly string[]): number | undefined {
  for (const kind of kinds) {
    const both = text(header, `Frame${kind}DateTime`) ?? text(header, `${kind}DateTime`);
    const date = both?.slice(0, 8) ?? text(header, `${kind}Date`) ?? text(header, 'StudyDate');
    const time = secondsOfDay(both?.slice(8) ?? text(header, `${kind}Time`));
    if (time !== undefined) return secondsOfDate(date) + time;
  }
  return undefined;
}

function secondsOfDate(date: string | undefined): number {
  const parts = /^(\d{4})(\d{2})(\d{2})$/.exec(date ?? '');
  return parts ? Date.UTC(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3])) / 1000 : 0;
}

function secondsOfDay(time: string | undefined): number | undefined {
  const parts = /^(\d{2})(\d{2})(\d{2}(?:\.\d+)?)?/.exec(time ?? '');
  return parts ? Number(parts[1]) * 3600 + Number(parts[2]) * 60 + Number(parts[3] ?? 0) : undefined;
}
