import { createHash } from 'node:crypto';
import type { SourceSlice } from '../dicom/geometry/series-volume.ts';
import { deriveUid } from '../dicom/uids.ts';
import type { WritableDataset } from '../dicom/writing/write.ts';
import { CODES, codeItem } from '../results/codes.ts';
import { isoDate } from '../results/dates.ts';
import { referenceTo } from '../results/instance-reference.ts';
import { segmentationUid } from '../results/result-context.ts';
import type { PictureInput, RelatedObject } from './picture-input.ts';

/** Goes into the UIDs: raise it when the same content is drawn otherwise. */
const PICTURE_FORMAT_VERSION = '1';

/**
 * The UID of a picture of this work (`what` tells several apart), from the SEG's and from all that is written
 * on it; not from its pixels, which two processors may round differently, and not from the time at which it
 * was made.
 */
export function pictureUid(what: string, input: PictureInput, common: WritableDataset): string {
  const { context, ...facts } = input;
  const content = { ...common, ContentDate: '', ContentTime: '', SeriesDate: '', SeriesTime: '' };
  // Format 3 has none of these.
  if ('InstanceCreationDate' in common)
    Object.assign(content, { InstanceCreationDate: '', InstanceCreationTime: '' });
  const { model, contentQualification, part } = context;
  const written = JSON.stringify([content, facts, model, contentQualification, part]);
  const hash = createHash('sha256').update(written, 'utf8').digest('hex');
  return deriveUid(what, segmentationUid(context), hash, PICTURE_FORMAT_VERSION);
}

/** Images that a picture was made from, by Image SOP Instance Reference Macro (PS3.3 10.3). */
export function sourceImages(slices: readonly SourceSlice[]): WritableDataset[] {
  return slices.map((slice) => ({
    ...referenceTo(slice),
    PurposeOfReferenceCodeSequence: [codeItem(CODES.sourceImage)],
  }));
}

const PURPOSES = { segmentation: CODES.referencedSegment, report: CODES.imagingMeasurementReport } as const;

/** The SEG and the report that a picture belongs to (PS3.3 C.12.4). */
export function relatedObjects(related: readonly RelatedObject[]): WritableDataset {
  if (related.length === 0) return {};
  return {
    ReferencedInstanceSequence: related.map((one) => ({
      ...referenceTo(one),
      PurposeOfReferenceCodeSequence: [codeItem(PURPOSES[one.kind])],
    })),
  };
}

/** When a result was made, as it is written on its pages, from its Content Date and Time. */
export function madeAt({ ContentDate, ContentTime }: WritableDataset): string {
  return `${isoDate(String(ContentDate))} ${String(ContentTime).replace(/^(\d\d)(\d\d).*$/, '$1:$2')}`;
}
