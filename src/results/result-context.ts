import { DicomError } from '../dicom/dicom-error.ts';
import type { SeriesVolume } from '../dicom/geometry/series-volume.ts';
import { type DicomDataset, number, text } from '../dicom/reading/dataset.ts';
import { deriveUid } from '../dicom/uids.ts';
import { fitted, type WritableDataset } from '../dicom/writing/write.ts';
import type { Mode } from '../inference-mode.ts';
import { deviceModules, type SiteIdentity } from './device.ts';
import { requestAttributes } from './order.ts';
import { MANUFACTURER, MANUFACTURER_MODEL_NAME } from './own-results.ts';
import { patientAndStudy } from './patient-and-study.ts';
import { isFormat3, type OfFormat } from './result-format.ts';

/** PS3.3 C.12.1.1: what the result is fit for. */
export type ContentQualification = 'PRODUCT' | 'RESEARCH' | 'SERVICE';

/** What kinds of images there are models for. */
export const IMAGE_CLASSES = ['CT', 'T1W', 'T2W'] as const;
export type ImageClass = (typeof IMAGE_CLASSES)[number];

/** The network that made the mask. */
export interface ModelIdentity {
  /** The model folder's name. */
  readonly name: string;
  readonly version: string;
  /** For people, such as `PanSegNet CT`. */
  readonly title: string;
  /** Of the images that it is for. */
  readonly modality: ImageClass;
  /** A restriction that every result must carry, such as `synthetic demo, not for patients`. */
  readonly notice?: string;
  /** Hash of the weights, hexadecimal. */
  readonly sha256: string;
  readonly mode: Mode;
}

/** What SEG and report of one segmented part have in common. The same context gives the same bytes. */
export interface ResultContext extends OfFormat, SiteIdentity {
  readonly series: SeriesVolume;
  /** One byte per voxel on the grid of `series.volume`; anything but 0 is pancreas. */
  readonly mask: Uint8Array;
  /**
   * The probability in 255ths on the same grid, at least 128 exactly where the mask is; needed for a
   * FRACTIONAL SEG.
   */
  readonly softMask?: Uint8Array | undefined;
  /** Names the part where a series has several (phases); otherwise left out. */
  readonly part?: string;
  readonly model: ModelIdentity;
  /**
   * Set where the SEG of this work is in the archive with a former patient in it: what is written anew has
   * another name.
   */
  readonly reissue?: string;
  /** When the work was first done, as recorded: never the clock of a repeated run. */
  readonly contentDateTime: Date;
  /**
   * The site's distance from UTC then, in minutes, east positive. The source's own Timezone Offset goes
   * before it; without either the process's zone counts, so give it where workers may stand in several zones.
   */
  readonly utcOffsetMinutes?: number;
  readonly softwareVersion: string;
  /** Of the patient's pancreas; left out: derived from the PatientID alone, as formats up to 3 did. */
  readonly trackingUid?: string | undefined;
  readonly contentQualification: ContentQualification;
}

/** A finished object, ready to be stored. */
export interface ResultObject {
  readonly bytes: Uint8Array;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly seriesInstanceUid: string;
  /** What in the source had to be left out or was made up, for the log. */
  readonly warnings: readonly string[];
}

/** LO, the VR of descriptions, holds 64 characters (PS3.5 table 6.2-1). */
const LO_MAX_LENGTH = 64;

/** The first plane's header stands for the series in everything that is equal in all of it. */
export function sourceHeader(series: SeriesVolume): DicomDataset {
  const first = series.slices[0];
  if (!first) throw new DicomError('DICOM_GEOMETRY', 'A volume without source slices has no result');
  return first.dataset;
}

/** For messages; holds no patient data. */
export function sourceName(series: SeriesVolume): string {
  return `series ${text(sourceHeader(series), 'SeriesInstanceUID') ?? '(without UID)'}`;
}

/** SOP instances that were segmented: each once, in the order of the planes. */
export function sourceInstances(series: SeriesVolume): { sopClassUid: string; sopInstanceUid: string }[] {
  const byUid = new Map(series.slices.map((slice) => [slice.sopInstanceUid, slice]));
  return [...byUid.values()].map(({ sopClassUid, sopInstanceUid }) => ({ sopClassUid, sopInstanceUid }));
}

/** In what form the voxels of a segmentation are stored (PS3.3 C.8.20.2). */
export const SEGMENTATION_FORMS = ['binary', 'fractional', 'labelmap'] as const;
export type SegmentationForm = (typeof SEGMENTATION_FORMS)[number];

/**
 * Stays as it is while the voxels, frames and references of a SEG do: a SEG supersedes none, so that one of
 * another name would be a second segmentation beside the first.
 */
const SEGMENTATION_NAME_VERSION = '3';

/**
 * The UID of the SEG of this work in one form; also where nothing was found, so that the report can be
 * derived from it. It depends on what was segmented and how, not on when.
 */
export function segmentationUid(context: ResultContext, form: SegmentationForm = 'binary'): string {
  const instances = sourceInstances(context.series).map(({ sopInstanceUid }) => sopInstanceUid);
  const { sha256, mode } = context.model;
  const work = [context.part ?? '', sha256, mode, SEGMENTATION_NAME_VERSION, form];
  const again = context.reissue === undefined ? [] : [context.reissue];
  return deriveUid('SEG', ...instances.sort(), ...work, ...again);
}

/** A result's series holds that result alone. */
export function seriesUid(sopInstanceUid: string): string {
  return deriveUid('series', sopInstanceUid);
}

/** `what (PanSegNet CT)`, or `what: notice` for a model whose results must carry one. */
export function description(what: string, model: ModelIdentity): string {
  return fitted(model.notice ? `${what}: ${model.notice}` : `${what} (${model.title})`, LO_MAX_LENGTH);
}

/**
 * Kinds of result series: what number each has behind the source's, and its modality where that is not its
 * name.
 */
const SERIES_KINDS = {
  SEG: { offset: 901, modality: 'SEG' },
  SR: { offset: 902, modality: 'SR' },
  OT: { offset: 903, modality: 'OT' },
  DOC: { offset: 904, modality: 'DOC' },
  fractional: { offset: 905, modality: 'SEG' },
  labelmap: { offset: 906, modality: 'SEG' },
  KO: { offset: 907, modality: 'KO' },
} as const;
export type SeriesKind = keyof typeof SERIES_KINDS;

/** The offsets tell result series from a scanner's: 3 gives 3901, 3902, ... */
const SERIES_NUMBER_FACTOR = 1000;
/** PS3.5 table 6.2-1: an IS value is at most 2^31 - 1. */
const IS_MAX = 2 ** 31 - 1;

export function seriesNumber(source: DicomDataset, kind: SeriesKind): string {
  const { offset } = SERIES_KINDS[kind];
  const derived = (number(source, 'SeriesNumber') ?? 0) * SERIES_NUMBER_FACTOR + offset;
  return String(Number.isInteger(derived) && derived > 0 && derived <= IS_MAX ? derived : offset);
}

export interface CommonModules {
  readonly attributes: WritableDataset;
  readonly warnings: readonly string[];
}

/** Modules that all results share: patient, study, series, equipment, dates, SOP common. */
export function commonModules(
  context: ResultContext,
  kind: SeriesKind,
  seriesDescription: string,
): CommonModules {
  const header = sourceHeader(context.series);
  const copy = patientAndStudy(header, sourceName(context.series));
  const offset = statedOffset(header)?.[0];
  const attributes = {
    ...copy.attributes,
    Modality: SERIES_KINDS[kind].modality,
    SeriesNumber: seriesNumber(header, kind),
    SeriesDescription: description(seriesDescription, context.model),
    ...datesOf(context, header),
    ...(offset === undefined ? {} : { TimezoneOffsetFromUTC: offset }),
    InstanceNumber: '1',
    Manufacturer: MANUFACTURER,
    ManufacturerModelName: MANUFACTURER_MODEL_NAME,
    ...deviceModules(context, header),
    SoftwareVersions: context.softwareVersion,
    ContentQualification: context.contentQualification,
    ...(isFormat3(context) || kind === 'SR' ? {} : requestAttributes(header)),
  };
  return { attributes, warnings: copy.warnings };
}

const OFFSET_FORM = /^([+-])(0\d|1[0-4])([0-5]\d)$/;

const statedOffset = (source: DicomDataset): RegExpExecArray | null =>
  OFFSET_FORM.exec(text(source, 'TimezoneOffsetFromUTC') ?? '');

/**
 * When an object and its series were made, in the zone in which the source's dates stand, where it says so
 * (PS3.3 C.12.1.1.8).
 */
export function datesOf(
  context: Pick<ResultContext, 'contentDateTime' | 'utcOffsetMinutes' | 'format'>,
  source: DicomDataset,
): WritableDataset {
  const { contentDateTime, utcOffsetMinutes } = context;
  const stated = statedOffset(source);
  const minutes = stated
    ? Number(`${stated[1]}1`) * (Number(stated[2]) * 60 + Number(stated[3]))
    : (utcOffsetMinutes ?? -contentDateTime.getTimezoneOffset());
  const local = new Date(contentDateTime.getTime() + minutes * 60_000).toISOString();
  const date = local.slice(0, 10).replaceAll('-', '');
  const time = local.slice(11, 19).replaceAll(':', '');
  return {
    SeriesDate: date,
    SeriesTime: time,
    ContentDate: date,
    ContentTime: time,
    ...(isFormat3(context) ? {} : { InstanceCreationDate: date, InstanceCreationTime: time }),
  };
}
