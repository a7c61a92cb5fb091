import { DicomError } from '../dicom/dicom-error.ts';
import { requiredText, text } from '../dicom/reading/dataset.ts';
import { deriveUid } from '../dicom/uids.ts';
import type { WritableDataset } from '../dicom/writing/write.ts';
import { codingSchemes } from '../results/coding-schemes.ts';
import { referenceTo } from '../results/instance-reference.ts';
import { lossiness } from '../results/lossiness.ts';
import {
  commonModules,
  description,
  type ResultContext,
  type ResultObject,
  type SegmentationForm,
  type SeriesKind,
  segmentationUid,
  seriesUid,
  sourceHeader,
  sourceInstances,
  sourceName,
} from '../results/result-context.ts';
import { isFormat3 } from '../results/result-format.ts';
import { writeObject } from '../results/write-object.ts';
import { framesOf } from './segmentation-forms.ts';
import { dimensions, perFrameGroups, sharedGroups } from './segmentation-frames.ts';
import { backgroundSegment, pancreasSegment } from './segmentation-segment.ts';

const SERIES: Readonly<Record<SegmentationForm, { kind: SeriesKind; description: string }>> = {
  binary: { kind: 'SEG', description: 'Pancreas segmentation' },
  fractional: { kind: 'fractional', description: 'Pancreas probability' },
  labelmap: { kind: 'labelmap', description: 'Pancreas label map' },
};

/**
 * The mask as a Segmentation object (PS3.3 A.51) of one segment, or the probability behind it, or a label map
 * (Label Map Segmentation Storage): only planes that hold anything, rows and columns as in the source,
 * orientation and positions copied character by character. Undefined where nothing was segmented: viewers
 * hang on an empty SEG. Throws DICOM_GEOMETRY where the mask is not on the series' grid, DICOM_ATTRIBUTE
 * where the source lacks its identity.
 */
export function createSegmentation(
  context: ResultContext,
  form: SegmentationForm = 'binary',
): ResultObject | undefined {
  const { series, mask } = context;
  const [columns, rows, planeCount] = series.volume.size;
  if (mask.length !== columns * rows * planeCount || series.slices.length !== planeCount) {
    throw new DicomError(
      'DICOM_GEOMETRY',
      `${sourceName(series)}: a mask of ${mask.length} voxels does not lie on a grid of ` +
        `${columns} x ${rows} x ${planeCount} voxels with ${series.slices.length} source slices`,
    );
  }
  const frames = framesOf(context, form);
  if (!frames) return undefined;
  const { planes, sopClassUid, pixelData, attributes } = frames;
  const hasSegmentDimension = form !== 'labelmap';

  const sopInstanceUid = segmentationUid(context, form);
  const seriesInstanceUid = seriesUid(sopInstanceUid);
  const common = commonModules(context, SERIES[form].kind, SERIES[form].description);
  const frameOfReference = frameOfReferenceOf(context);
  const dataset: WritableDataset = {
    ...common.attributes,
    SOPClassUID: sopClassUid,
    SOPInstanceUID: sopInstanceUid,
    SeriesInstanceUID: seriesInstanceUid,
    FrameOfReferenceUID: frameOfReference.uid,
    PositionReferenceIndicator: text(sourceHeader(series), 'PositionReferenceIndicator') ?? null,
    ...imageModule(context, rows, columns, planes.length),
    ...attributes,
    ...dimensions(sopInstanceUid, planes, hasSegmentDimension),
    SegmentSequence: [...(hasSegmentDimension ? [] : [backgroundSegment()]), pancreasSegment(context)],
    ReferencedSeriesSequence: [referencedSeries(context)],
    SharedFunctionalGroupsSequence: [sharedGroups(series)],
    PerFrameFunctionalGroupsSequence: perFrameGroups(series, planes, hasSegmentDimension),
    PixelData: pixelData.buffer,
    // PS3.5 A.2: up to 8 bits per voxel may be OB or OW.
    _vrMap: { PixelData: 'OB', ...('PixelPaddingValue' in attributes ? { PixelPaddingValue: 'US' } : {}) },
  };
  return {
    bytes: writeObject(isFormat3(context) ? dataset : { ...dataset, ...codingSchemes(dataset) }),
    sopClassUid,
    sopInstanceUid,
    seriesInstanceUid,
    warnings: [...common.warnings, ...frameOfReference.warnings],
  };
}

/** Segmentation Image module and the general image modules it refines (PS3.3 C.8.20.2). */
function imageModule(context: ResultContext, rows: number, columns: number, frames: number): WritableDataset {
  return {
    ImageType: ['DERIVED', 'PRIMARY'],
    ContentLabel: 'PANCREAS',
    ContentDescription: description('Pancreas', context.model),
    ContentCreatorName: null,
    SegmentsOverlap: 'NO',
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    PixelRepresentation: 0,
    Rows: rows,
    Columns: columns,
    NumberOfFrames: String(frames),
    ...lossiness(context),
  };
}

/** Every instance that was segmented (PS3.3 C.12.2): some viewers find the images of a SEG by this alone. */
function referencedSeries({ series }: ResultContext): WritableDataset {
  return {
    SeriesInstanceUID: requiredText(sourceHeader(series), 'SeriesInstanceUID', sourceName(series)),
    ReferencedInstanceSequence: sourceInstances(series).map(referenceTo),
  };
}

function frameOfReferenceOf({ series }: ResultContext): { uid: string; warnings: string[] } {
  const header = sourceHeader(series);
  const stated = text(header, 'FrameOfReferenceUID');
  if (stated !== undefined) return { uid: stated, warnings: [] };
  const uid = deriveUid('frame of reference', text(header, 'SeriesInstanceUID') ?? '');
  return { uid, warnings: [`${sourceName(series)} has no FrameOfReferenceUID: the SEG has one of its own`] };
}
